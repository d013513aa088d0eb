//! Lists: pages, filters and their order.

use super::*;
use std::collections::BTreeSet;

/// All pages of a list, with something done between two of them.
fn pages(
    bench: &mut Bench,
    operation: &str,
    mut input: Value,
    mut between: impl FnMut(&mut Bench),
) -> Vec<Value> {
    let mut items = Vec::new();
    for _ in 0..1_000 {
        let page = bench.call(operation, input.clone());
        let found = page["items"].as_array().unwrap();
        assert!(found.len() as u64 <= input["maxResults"].as_u64().unwrap());
        items.extend(found.iter().cloned());
        match page.get("nextToken") {
            Some(token) => input["nextToken"] = token.clone(),
            None => return items,
        }
        between(bench);
    }
    panic!("the list of {operation} does not end");
}

#[test]
fn a_list_has_every_server_once_in_pages_of_any_size() {
    let mut bench = Bench::healthy(23);
    for size in [1, 5, 22, 23, 24] {
        let servers = pages(
            &mut bench,
            "DescribeSourceServers",
            json!({"maxResults": size}),
            |_| {},
        );
        let ids: BTreeSet<&str> = servers
            .iter()
            .map(|server| server["sourceServerID"].as_str().unwrap())
            .collect();
        assert_eq!((servers.len(), ids.len()), (23, 23), "{size}");
    }
    assert_eq!(
        bench
            .call("DescribeSourceServers", json!({"maxResults": 23}))
            .get("nextToken"),
        None
    );
}

#[test]
fn a_list_neither_repeats_nor_skips_when_servers_come_and_go_meanwhile() {
    let mut bench = Bench::healthy(40);
    let stay = bench.ids(&["host-0001", "host-0020", "host-0040"]);
    let mut number = 0;
    let servers = pages(
        &mut bench,
        "DescribeSourceServers",
        json!({"maxResults": 3}),
        |bench| {
            number += 1;
            let server = Box::new(Server::named(&format!("new-{number}")));
            bench.admin(AdminCommand::AddServer {
                place: here(),
                server,
            });
            let server = format!("host-{:04}", number + 1);
            if number < 10 {
                bench.admin(AdminCommand::RemoveServer {
                    place: here(),
                    server,
                });
            }
        },
    );
    let ids: Vec<&str> = servers
        .iter()
        .map(|server| server["sourceServerID"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), ids.iter().collect::<BTreeSet<_>>().len());
    assert!(stay.iter().all(|id| ids.contains(&id.as_str())));
}

#[test]
fn a_list_of_jobs_is_newest_first_and_stays_so_when_more_are_made() {
    let mut bench = Bench::healthy(12);
    let ids: Vec<String> = (1..=12)
        .map(|number| bench.ids(&[&format!("host-{number:04}")]).remove(0))
        .collect();
    for id in &ids[..8] {
        bench.launch(std::slice::from_ref(id));
        bench.wait(60.0);
    }
    let mut more = ids[8..].iter();
    let jobs = pages(
        &mut bench,
        "DescribeJobs",
        json!({"maxResults": 2}),
        |bench| {
            if let Some(id) = more.next() {
                bench.launch(std::slice::from_ref(id));
            }
        },
    );
    let created: Vec<&str> = jobs
        .iter()
        .map(|job| job["creationDateTime"].as_str().unwrap())
        .collect();
    assert_eq!(created.len(), 8);
    assert!(created.is_sorted_by(|one, next| one > next), "{created:?}");
}

#[test]
fn jobs_are_filtered_by_id_and_by_date() {
    let mut bench = Bench::healthy(3);
    let ids = bench.ids(&["host-0001", "host-0002", "host-0003"]);
    let mut jobs = Vec::new();
    for id in &ids {
        jobs.push(bench.launch(std::slice::from_ref(id)));
        bench.wait(60.0);
    }
    let mut found = |filters: Value| -> Vec<usize> {
        let items = bench.items("DescribeJobs", json!({"filters": filters}));
        let number = |item: &Value| jobs.iter().position(|job| item["jobID"] == **job).unwrap();
        items.iter().map(number).collect()
    };
    assert_eq!(found(json!({})), [2, 1, 0]);
    assert_eq!(found(json!({"jobIDs": []})), [2, 1, 0]);
    assert_eq!(
        found(json!({"jobIDs": [jobs[0], jobs[2], "drsjob-00000000000000000"]})),
        [2, 0]
    );
    assert_eq!(found(json!({"fromDate": "2026-11-24T08:01:00Z"})), [2, 1]);
    assert_eq!(
        found(json!({"fromDate": "2026-11-24T08:01:00.000000+00:00"})),
        [2, 1]
    );
    assert_eq!(found(json!({"toDate": "2026-11-24T08:01:00Z"})), [1, 0]);
    assert_eq!(
        found(json!({"jobIDs": [jobs[2]], "toDate": "2026-11-24T08:01:00Z"})),
        [0_usize; 0]
    );
    let (code, ..) = bench.refusal(
        "DescribeJobs",
        json!({"filters": {"fromDate": "yesterday"}}),
    );
    assert_eq!(code, "ValidationException");
}

#[test]
fn unknown_ids_find_nothing() {
    let mut bench = Bench::healthy(2);
    for (operation, input) in [
        (
            "DescribeSourceServers",
            json!({"filters": {"sourceServerIDs": ["s-00000000000000000"]}}),
        ),
        (
            "DescribeSourceServers",
            json!({"filters": {"stagingAccountIDs": [ACCOUNT]}}),
        ),
        (
            "DescribeJobs",
            json!({"filters": {"jobIDs": ["drsjob-00000000000000000"]}}),
        ),
        (
            "DescribeJobLogItems",
            json!({"jobID": "drsjob-00000000000000000"}),
        ),
        (
            "DescribeRecoveryInstances",
            json!({"filters": {"recoveryInstanceIDs": ["i-00000000000000000"]}}),
        ),
        (
            "DescribeRecoveryInstances",
            json!({"filters": {"sourceServerIDs": ["s-00000000000000000"]}}),
        ),
        (
            "DescribeRecoverySnapshots",
            json!({"sourceServerID": "s-00000000000000000"}),
        ),
        (
            "DescribeLaunchConfigurationTemplates",
            json!({"launchConfigurationTemplateIDs": ["lct-00000000000000000"]}),
        ),
    ] {
        assert_eq!(
            bench.call(operation, input.clone()),
            json!({"items": []}),
            "{operation} {input}"
        );
    }
}

#[test]
fn a_token_of_nobody_or_of_another_list_is_refused() {
    let mut bench = Bench::healthy(3);
    let token = bench.call("DescribeSourceServers", json!({"maxResults": 1}))["nextToken"].clone();
    for operation in ["DescribeJobs", "DescribeRecoveryInstances"] {
        assert_eq!(
            bench.refusal(operation, json!({"nextToken": token})).0,
            "ValidationException"
        );
    }
    assert_eq!(
        bench
            .refusal("DescribeSourceServers", json!({"nextToken": "x"}))
            .0,
        "ValidationException"
    );
    assert_eq!(
        bench
            .items("DescribeSourceServers", json!({"nextToken": ""}))
            .len(),
        3
    );
}

#[test]
fn a_log_that_grows_is_read_in_pages() {
    let mut bench = Bench::healthy(2);
    let ids = bench.ids(&["host-0001", "host-0002"]);
    let job = bench.launch(&ids);
    let lines = pages(
        &mut bench,
        "DescribeJobLogItems",
        json!({"jobID": job, "maxResults": 2}),
        |_| {},
    );
    assert!(lines.is_empty());
    bench.wait(10.0);
    let lines = pages(
        &mut bench,
        "DescribeJobLogItems",
        json!({"jobID": job, "maxResults": 2}),
        |bench| bench.wait(500.0),
    );
    assert_eq!(lines.len(), 14);
}

#[test]
fn servers_are_found_by_their_hardware() {
    let mut bench = Bench::healthy(3);
    let ids = bench.ids(&["host-0002"]);
    let hints = bench.server(&ids[0])["sourceProperties"]["identificationHints"].clone();
    let found = bench.items(
        "DescribeSourceServers",
        json!({"filters": {"hardwareId": hints["vmWareUuid"]}}),
    );
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["sourceServerID"], *ids[0]);
}

#[test]
fn points_in_time_are_listed_in_either_order_in_pages_and_between_dates() {
    let mut bench = Bench::healthy(1);
    let ids = bench.ids(&["host-0001"]);
    let input = |order: &str| json!({"sourceServerID": ids[0], "order": order, "maxResults": 7});
    let mut ascending = pages(
        &mut bench,
        "DescribeRecoverySnapshots",
        input("ASC"),
        |_| {},
    );
    let descending = pages(
        &mut bench,
        "DescribeRecoverySnapshots",
        input("DESC"),
        |_| {},
    );
    assert!((34..=37).contains(&ascending.len()));
    assert!(
        ascending
            .iter()
            .all(|point| point["ebsSnapshots"].as_array().unwrap().len() == 1)
    );
    ascending.reverse();
    assert_eq!(ascending, descending);
    let filters =
        json!({"fromDateTime": "2026-11-24T07:00:00Z", "toDateTime": "2026-11-24T07:30:00Z"});
    let some = bench.items(
        "DescribeRecoverySnapshots",
        json!({"sourceServerID": ids[0], "filters": filters}),
    );
    assert_eq!(some.len(), 4);
}

#[test]
fn what_is_absent_is_left_out_and_never_null() {
    fn has_null(value: &Value) -> bool {
        match value {
            Value::Null => true,
            Value::Array(items) => items.iter().any(has_null),
            Value::Object(members) => members.values().any(has_null),
            _ => false,
        }
    }
    let mut bench = Bench::of(&Fleet::built_in());
    let ids = bench.ids(&["db-1", "files-1"]);
    bench.launch(&ids);
    for _ in 0..30 {
        bench.wait(60.0);
        for operation in [
            "DescribeSourceServers",
            "DescribeJobs",
            "DescribeRecoveryInstances",
            "DescribeLaunchConfigurationTemplates",
            "DescribeReplicationConfigurationTemplates",
            "ec2:DescribeInstances",
            "ec2:DescribeInstanceStatus",
        ] {
            let answer = bench.call(operation, json!({}));
            assert!(!has_null(&answer), "{operation}: {answer}");
        }
    }
}
