//! A world as large as an account can be stays quick. The bounds are ten times what a slow machine needs, so that they
//! find what is quadratic and nothing else.

use std::time::{Duration, Instant};

use super::*;

#[test]
fn four_thousand_servers_are_listed_and_launched_quickly() {
    let mut bench = Bench::healthy(4_000);
    let timed = Instant::now();
    let mut ids = Vec::new();
    let mut input = json!({"maxResults": 200});
    for _ in 0..20 {
        let page = bench.call("DescribeSourceServers", input.clone());
        let servers = page["items"].as_array().unwrap();
        ids.extend(
            servers
                .iter()
                .map(|server| server["sourceServerID"].as_str().unwrap().to_owned()),
        );
        input["nextToken"] = page.get("nextToken").cloned().unwrap_or(Value::Null);
    }
    assert_eq!((ids.len(), &input["nextToken"]), (4_000, &Value::Null));
    assert!(
        timed.elapsed() < Duration::from_secs(10),
        "{:?}",
        timed.elapsed()
    );

    let timed = Instant::now();
    for hundred in ids.chunks(100) {
        bench.launch(hundred);
        bench.wait(HOUR);
    }
    assert!(
        timed.elapsed() < Duration::from_secs(10),
        "{:?}",
        timed.elapsed()
    );
    assert_eq!(bench.world.accepted_launches().len(), 40);

    let timed = Instant::now();
    for hundred in ids.chunks(100) {
        let filters = json!({"filters": {"sourceServerIDs": hundred}, "maxResults": 200});
        assert_eq!(bench.items("DescribeRecoveryInstances", filters).len(), 100);
    }
    assert!(
        timed.elapsed() < Duration::from_secs(10),
        "{:?}",
        timed.elapsed()
    );
}
