//! `drsctl preflight`, and the drill guard: what they say before anything is started.

use drs_engine::plan::{DrillGuard, HookSpec};

use super::elsewhere::refused;
use super::*;

/// A plan over a server that boots where production does, which is to be drilled where drills are.
async fn guarded(session: &Session) {
    let now = session.clock().now();
    let servers = session.drs().source_servers(&session.target(), None).await;
    let servers = servers.expect("servers");
    let listed = servers
        .into_iter()
        .filter(|server| server.hostname == "files-1")
        .map(|server| server.id);
    let config = GroupConfig {
        name: "files".to_owned(),
        description: None,
        target: session.target(),
        selection: Selection::Servers(listed.collect()),
        tags: BTreeMap::new(),
    };
    let group = GroupId::new(fresh::id("pg"));
    let made = session.groups().create(group.clone(), config, now).await;
    made.expect("a group");
    let spec = PlanSpec {
        name: "office".to_owned(),
        waves: vec![wave_over("files", group)],
        drill_guard: Some(DrillGuard {
            subnet_tags: BTreeMap::from([("Purpose".to_owned(), "drill".to_owned())]),
        }),
        ..PlanSpec::default()
    };
    let plans = session.plans();
    let id = PlanId::new(fresh::id("rp"));
    let made = plans.create(id, spec, BTreeMap::new(), now).await;
    made.expect("a plan");
}

/// The texts of what was found by a check, with their levels.
fn of_check(document: &serde_json::Value, check: &str) -> Vec<(String, String)> {
    let findings = document["findings"].as_array().expect("findings");
    let named = findings.iter().filter(|finding| finding["check"] == check);
    let text = |value: &serde_json::Value| value.as_str().expect("text").to_owned();
    named
        .map(|finding| (text(&finding["level"]), text(&finding["text"])))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_is_ready_is_looked_at_from_every_side() {
    let folder = Folder::new();
    let store = folder.store();
    let _world = World::new(&store, 1.0).await;
    let on = |arguments: &[&str]| on_store(&store, arguments);
    for mode in ["drill", "recovery"] {
        let output = ended(on(&["preflight", "shop", "--mode", mode])).await;
        let told = text(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{told}");
        assert!(told.contains(&format!("Ready for a {mode}.")), "{told}");
    }
    let found = document(&ended(on(&["preflight", "shop", "--json"])).await);
    let checks: Vec<&str> = found["findings"]
        .as_array()
        .expect("findings")
        .iter()
        .filter_map(|finding| finding["check"].as_str())
        .collect();
    let expected = [
        "servers",
        "executions",
        "replication",
        "recovery instances",
        "quotas",
        "launch settings",
        "subnets",
        "vCPUs",
        "points in time",
        "permissions",
    ];
    assert_eq!(checks, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drill_guard_stops_a_drill_in_productions_network_and_no_recovery() {
    let folder = Folder::new();
    let store = folder.store();
    let world = World::new(&store, 2_000.0).await;
    guarded(&world.session).await;
    let on = |arguments: &[&str]| on_store(&store, arguments);

    let shown = text(&ended(on(&["plan", "show", "office"])).await.stdout);
    let said = "a drill boots only in subnets that carry Purpose = \"drill\"";
    assert!(shown.contains(said), "{shown}");
    let shown = document(&ended(on(&["plan", "show", "office", "--json"])).await);
    assert_eq!(shown["drill_guard"]["subnet_tags"]["Purpose"], "drill");

    let output = ended(on(&["preflight", "office", "--json"])).await;
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let guard = of_check(&document(&output), "drill guard");
    let [(level, told)] = guard.as_slice() else {
        panic!("{guard:?}");
    };
    let lacks = "lacks Purpose = \"drill\" (it is \"production\")";
    assert!(level == "problem" && told.contains(lacks), "{guard:?}");
    refused(on(&["start", "office", "--reason", "r"]), lacks).await;
    let listed = document(&ended(on(&["list", "--json"])).await);
    assert_eq!(listed["executions"].as_array().map(Vec::len), Some(0));

    let output = ended(on(&["preflight", "office", "--mode", "recovery"])).await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let recovery = [
        "failover",
        "office",
        "--reason",
        "r",
        "--confirm",
        "office/1",
    ];
    let output = ended(on(&recovery)).await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

/// The shop with a hook that nobody made, beside one that is there.
async fn misspelt(session: &Session) {
    let plans = session.plans();
    let shop = plans.find_by_name("shop").await.expect("plans");
    let shop = shop.expect("the shop");
    let mut spec = shop.spec.clone();
    let hook = |name: &str, function: &str| HookSpec {
        name: name.to_owned(),
        lambda_function: Some(function.to_owned()),
        ..HookSpec::default()
    };
    spec.waves[0].before_hooks = Some(vec![
        hook("smoke", "shop-smoke-test"),
        hook("warn", "warn-the-taem"),
    ]);
    let now = session.clock().now();
    let changed = plans.update(&shop.id, spec, BTreeMap::new(), now).await;
    changed.expect("changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drill_whose_hook_runs_nothing_is_refused_before_anything_is_written() {
    let folder = Folder::new();
    let store = folder.store();
    let world = World::new(&store, 2_000.0).await;
    misspelt(&world.session).await;
    let on = |arguments: &[&str]| on_store(&store, arguments);

    let output = ended(on(&["preflight", "shop", "--json"])).await;
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let found = of_check(&document(&output), "hooks and checks");
    let [(level, told)] = found.as_slice() else {
        panic!("{found:?}");
    };
    let missing = "the function \"warn-the-taem\" does not exist in 111122223333/us-east-1";
    assert!(level == "problem" && told.contains(missing), "{found:?}");
    refused(on(&["start", "shop", "--reason", "r"]), missing).await;
    let listed = document(&ended(on(&["list", "--json"])).await);
    assert_eq!(listed["executions"].as_array().map(Vec::len), Some(0));

    let output = ended(on(&["preflight", "shop", "--mode", "recovery"])).await;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(text(&output.stdout).contains(missing), "{output:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_file_carries_the_guard() {
    let folder = Folder::new();
    let store = folder.store();
    let world = World::new(&store, 1.0).await;
    guarded(&world.session).await;
    let file = folder.0.join("office.json");
    let file = file.to_str().expect("text");
    let exported = ended(on_store(&store, &["plan", "export", "office", file])).await;
    assert_eq!(exported.status.code(), Some(0), "{exported:?}");
    let kept = std::fs::read_to_string(file).expect("the file");
    let read: serde_json::Value = serde_json::from_str(&kept).expect("JSON");
    let guard = &read["plan"]["spec"]["drill_guard"];
    assert_eq!(guard["subnet_tags"]["Purpose"], "drill");
    // With another guard it is no longer the plan that was exported.
    let changed = kept.replace("\"Purpose\"", "\"Anything\"");
    assert_ne!(changed, kept);
    std::fs::write(file, changed).expect("written");
    let history = folder.0.join("history");
    let mut command = on_store(&store, &["failover", "--plan-file", file, "--dry-run"]);
    command.env("DRS_HISTORY", &history);
    let output = ended(command).await;
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(text(&output.stderr).contains("digest"), "{output:?}");
}
