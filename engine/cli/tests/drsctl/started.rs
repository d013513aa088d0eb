//! Drills that are started and driven by the binary itself: to their end, over interruptions, cancels and takeovers.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_drill_is_started_driven_to_its_end_and_terminated() {
    let folder = Folder::new();
    let store = folder.store();
    let _world = World::new(&store, 600.0).await;
    let arguments = ["start", "SHOP", "--reason", "a quarter has passed"];
    let started = ended(on_store(
        &store,
        &[&arguments[..], &["--output", "json"]].concat(),
    ))
    .await;
    let shown = document(&started);
    assert_eq!(started.status.code(), Some(0), "{shown}");
    assert_eq!(shown["status"], "COMPLETED");
    assert_eq!(shown["origin"], "drsctl");
    let progress = text(&started.stderr);
    assert!(progress.contains("COMPLETED after"), "{progress}");
    let id = newest(&store).await;
    assert!(
        progress.contains(&format!("`drsctl terminate {id} --reason TEXT`")),
        "{progress}"
    );

    let refused = ended(on_store(&store, &["cancel", &id, "--reason", "late"])).await;
    assert_eq!(refused.status.code(), Some(2));
    let arguments = [
        "terminate",
        &id,
        "--reason",
        "it is over",
        "--output",
        "json",
    ];
    for _ in 0..2 {
        let terminated = ended(on_store(&store, &arguments)).await;
        let shown = document(&terminated);
        assert_eq!(terminated.status.code(), Some(0), "{shown}");
        assert_eq!(
            shown["termination"]["gone"].as_array().map(Vec::len),
            Some(4)
        );
        assert_eq!(
            shown["termination"]["left"].as_array().map(Vec::len),
            Some(0)
        );
    }

    let logged =
        document(&ended(on_store(&store, &["logs", &id, "--wave", "web", "--json"])).await);
    let log = logged["waves"][0]["launches"][0]["log"]
        .as_array()
        .expect("a log");
    assert!(
        log.iter().any(|entry| entry["event"] == "LAUNCH_END"),
        "{logged}"
    );
    let shown = document(&ended(on_store(&store, &["plan", "show", "shop", "--json"])).await);
    assert_eq!(shown["can_be_launched"], true, "{shown}");
    assert_eq!(
        shown["waves"][1]["servers"].as_array().map(Vec::len),
        Some(2),
        "{shown}"
    );
    let quotas = document(&ended(on_store(&store, &["quotas", "--json"])).await);
    assert_eq!(quotas["quotas"][0]["in_use"], 0, "{quotas}");
    let exported = document(&ended(on_store(&store, &["export", &id])).await);
    assert_eq!(exported["execution"]["reason"], "a quarter has passed");
    assert_eq!(exported["events"][0]["sequence"], 1);

    let cleaned = ended(on_store(&store, &["start", "shop", "--cleanup"])).await;
    let told = text(&cleaned.stdout);
    assert_eq!(cleaned.status.code(), Some(0), "{told}");
    assert!(told.contains("terminated: nothing is left"), "{told}");
    assert!(!told.contains("drsctl terminate"), "{told}");
}

/// The points of a plan are listed, chosen, launched from, and told; what does not exist starts nothing.
#[tokio::test(flavor = "multi_thread")]
async fn servers_are_launched_from_the_points_that_were_chosen() {
    let folder = Folder::new();
    let store = folder.store();
    let _world = World::new(&store, 600.0).await;
    let listed = document(&ended(on_store(&store, &["points", "shop", "--json"])).await);
    let servers = listed["servers"].as_array().expect("servers");
    assert_eq!(servers.len(), 4, "{listed}");
    let (server, hostname) = (&servers[0]["source_server_id"], &servers[0]["hostname"]);
    let points = servers[0]["recovery_points"].as_array().expect("points");
    // One that is kept for days.
    let chosen = points[1]["recovery_snapshot_id"].as_str().expect("an id");
    let hostname = hostname.as_str().expect("a host name");
    let every = ended(on_store(&store, &["points", "shop", "--server", hostname])).await;
    assert!(
        text(&every.stdout).contains(chosen),
        "{}",
        text(&every.stdout)
    );

    let named = format!("{hostname}={chosen}");
    let dry = ["failover", "shop", "--dry-run", "--snapshot", &named];
    let dry = ended(on_store(&store, &dry)).await;
    let told = text(&dry.stdout);
    assert!(told.contains(chosen), "{told}");
    // What is to be typed next launches what was looked at.
    let typed = format!(" --snapshot {named} --reason TEXT --confirm ");
    assert!(told.contains(&typed), "{told}");

    for wrong in ["db-1=LATEST", "=pit-00000000000000000", "nobody"] {
        let refused = ended(on_store(&store, &["start", "shop", "--snapshot", wrong])).await;
        assert_eq!(refused.status.code(), Some(2), "{wrong}");
    }
    let missing = format!("{hostname}=pit-00000000000000000");
    let arguments = [
        "start",
        "shop",
        "--snapshot",
        &missing,
        "--snapshot",
        "nobody=pit-00000000000000000",
    ];
    let refused = ended(on_store(&store, &arguments)).await;
    let told = text(&refused.stderr)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    assert_eq!(refused.status.code(), Some(2), "{told}");
    for part in [
        "no server that takes part has this id or host name",
        "has no recovery point pit-00000000000000000",
        "Nothing was started",
        "drsctl points",
    ] {
        assert!(told.contains(part), "{told}");
    }
    let early = ["start", "shop", "--recovery-point", "2001-01-01T00:00:00Z"];
    let refused = ended(on_store(&store, &early)).await;
    assert_eq!(refused.status.code(), Some(2));
    let listed = document(&ended(on_store(&store, &["list", "--json"])).await);
    assert_eq!(listed["executions"], serde_json::json!([]));

    let arguments = ["start", "shop", "--snapshot", &named, "--json"];
    let shown = document(&ended(on_store(&store, &arguments)).await);
    assert_eq!(shown["status"], "COMPLETED", "{shown}");
    assert_eq!(shown["recovery_point"]["named"][hostname], chosen);
    let waves = shown["waves"].as_array().expect("waves");
    let servers = waves
        .iter()
        .flat_map(|wave| wave["servers"].as_array().expect("servers"));
    for found in servers {
        let from = &found["launched_from"];
        if found["source_server_id"] == *server {
            assert_eq!(from["source"], "named", "{found}");
            assert_eq!(from["recovery_snapshot_id"], chosen);
            assert_eq!(from["at"], points[1]["at"]);
        } else {
            assert_eq!(from["source"], "latest", "{found}");
            assert!(from["at"].is_string(), "{found}");
        }
    }
    let told = ended(on_store(&store, &["show", "--timeline"])).await;
    let told = text(&told.stdout);
    assert!(told.contains(&format!(", from {chosen}, of ")), "{told}");
    assert!(
        told.contains("launched from the newest state, of"),
        "{told}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_drill_is_run_on_and_launches_nothing_twice() {
    let folder = Folder::new();
    let store = folder.store();
    let _world = World::new(&store, 120.0).await;
    let mut started = Working::new(&store, &["start", "shop"]);
    started.until("launched as drsjob-").await;
    started.interrupt();
    let (told, code) = started.end().await;
    let id = newest(&store).await;
    assert_eq!(code, Some(130), "{told}");
    assert!(
        told.contains(&format!("Execution {id} goes on without a driver")),
        "{told}"
    );
    assert!(
        told.contains(&format!("`drsctl run {id}` takes it up")),
        "{told}"
    );

    // Whoever stopped said so: nobody waits for its silence to be long enough.
    let (told, code) = Working::new(&store, &["run"]).end().await;
    assert_eq!(code, Some(0), "{told}");
    assert!(
        told.contains(&format!("Nobody drives execution {id}")),
        "{told}"
    );
    assert_eq!(told.matches("launched as drsjob-").count(), 2, "{told}");
    assert_eq!(told.matches("taken over by drsctl on").count(), 1, "{told}");

    let (told, code) = Working::new(&store, &["run", &id]).end().await;
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("there is nothing to drive"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_reaches_whoever_drives() {
    let folder = Folder::new();
    let store = folder.store();
    let _world = World::new(&store, 120.0).await;
    let mut started = Working::new(&store, &["start", "shop"]);
    started.until("launched as drsjob-").await;
    let id = newest(&store).await;

    let early = ended(on_store(&store, &["terminate", &id, "--reason", "early"])).await;
    assert_eq!(early.status.code(), Some(2));
    assert!(
        text(&early.stderr).contains("drsctl cancel"),
        "{}",
        text(&early.stderr)
    );

    let cancelled = ended(on_store(
        &store,
        &["cancel", &id, "--reason", "the wrong plan"],
    ))
    .await;
    let told = text(&cancelled.stdout);
    assert_eq!(cancelled.status.code(), Some(0), "{told}");
    assert!(
        told.contains("- drsjob-") && told.contains("It is driven by drsctl on"),
        "{told}"
    );
    let (told, code) = started.end().await;
    assert_eq!(code, Some(1), "{told}");
    assert!(
        told.contains("the wrong plan") && told.contains("is CANCELLED"),
        "{told}"
    );
    assert_eq!(told.matches("launched as drsjob-").count(), 1, "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_living_owner_is_followed_until_it_is_taken_over_by_hand() {
    let folder = Folder::new();
    let store = folder.store();
    let _world = World::new(&store, 60.0).await;
    let mut started = Working::new(&store, &["start", "shop"]);
    started.until("launched as drsjob-").await;
    let mut follower = Working::new(&store, &["run"]);
    follower.until("This process does not drive it").await;
    follower.interrupt();
    let (told, code) = follower.end().await;
    assert_eq!(code, Some(130), "{told}");
    assert!(told.contains("was not touched, it goes on"), "{told}");

    let mut taker = Working::new(&store, &["run", "--take-over"]);
    taker.until("is taken over from drsctl on").await;
    started
        .until("has taken it over; this process drives it no longer")
        .await;
    started.interrupt();
    let (told, code) = started.end().await;
    assert_eq!(code, Some(130), "{told}");
    let (told, code) = taker.end().await;
    assert_eq!(code, Some(0), "{told}");
    assert_eq!(told.matches("launched as drsjob-").count(), 2, "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drill_goes_on_when_the_reader_of_its_output_goes_away() {
    let folder = Folder::new();
    let store = folder.store();
    let _world = World::new(&store, 600.0).await;
    let mut child = tokio::process::Command::from(on_store(&store, &["start", "shop"]))
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("drsctl runs");
    drop(child.stdout.take());
    assert_eq!(child.wait().await.expect("it ends").code(), Some(0));
    let shown = document(&ended(on_store(&store, &["show", "--json"])).await);
    assert_eq!(shown["status"], "COMPLETED");
}
