//! Drills over their lifetime, with the built binary: one that ended, and one whose process was killed.

use super::*;

/// Waits until the world is past a drill's lifetime.
pub(super) async fn pass(world: &World, until: &serde_json::Value) {
    let until: jiff::Timestamp = until.as_str().expect("a time").parse().expect("a time");
    while world.session.clock().now().world <= until {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

pub(super) async fn shown(store: &Path) -> serde_json::Value {
    document(&ended(on_store(store, &["show", "--json"])).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drill_that_ended_is_swept_when_its_time_is_over() {
    let folder = Folder::new();
    let store = folder.store();
    let world = World::new(&store, 600.0).await;
    let arguments = ["start", "shop", "--max-lifetime", "90m"];
    let (told, code) = Working::new(&store, &arguments).end().await;
    assert_eq!(code, Some(0), "{told}");
    let before = shown(&store).await;
    assert_eq!(before["max_lifetime_seconds"], 5_400);
    let swept = ended(on_store(&store, &["sweep"])).await;
    let told = text(&swept.stdout);
    assert_eq!(swept.status.code(), Some(0), "{told}");
    assert!(
        told.starts_with("Nothing is left to be swept in "),
        "{told}"
    );

    pass(&world, &before["lifetime_ends_at"]).await;
    let looked = document(&ended(on_store(&store, &["sweep", "--dry-run", "--json"])).await);
    assert_eq!(looked["executions"][0]["result"], "WOULD_SWEEP", "{looked}");
    assert_eq!(shown(&store).await["termination"], serde_json::Value::Null);
    let other = ended(on_store(&store, &["sweep", "--plan", "office"])).await;
    assert_eq!(other.status.code(), Some(2), "there is no such plan");

    let swept = ended(on_store(&store, &["sweep", "--plan", "SHOP", "--json"])).await;
    let told = document(&swept);
    assert_eq!(swept.status.code(), Some(0), "{told}");
    assert_eq!(told["executions"][0]["result"], "CLEAN", "{told}");
    let after = shown(&store).await;
    let termination = &after["termination"];
    assert_eq!(termination["gone"].as_array().map(Vec::len), Some(4));
    let by = termination["requested_by"].as_str().expect("text");
    assert!(by.starts_with("arn:aws:"), "{by}");
    let swept = document(&ended(on_store(&store, &["sweep", "--json"])).await);
    assert_eq!(swept["executions"].as_array().map(Vec::len), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drill_whose_process_was_killed_is_cancelled_followed_and_removed() {
    let folder = Folder::new();
    let store = folder.store();
    let world = World::new(&store, 60.0).await;
    let arguments = ["start", "shop", "--max-lifetime", "10m"];
    let mut started = Working::new(&store, &arguments);
    started.until("launched as drsjob-").await;
    started.child.kill().await.expect("killed");
    let before = shown(&store).await;
    pass(&world, &before["lifetime_ends_at"]).await;
    let (told, code) = Working::new(&store, &["sweep"]).end().await;
    assert_eq!(code, Some(0), "{told}");
    let reason = "drsctl sweep: the drill's maximum lifetime of 10m 00s has passed";
    assert!(
        told.contains("It is cancelled now, and what it launched is terminated."),
        "{told}"
    );
    assert!(told.contains(reason), "{told}");
    assert!(
        told.contains(": CLEAN: Gone, from DRS and from EC2:"),
        "{told}"
    );
    let after = shown(&store).await;
    assert_eq!(after["status"], "CANCELLED");
    assert_eq!(after["waves"][1]["launched"], 0);
}
