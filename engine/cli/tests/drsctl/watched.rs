//! Executions that are watched while somebody else drives them.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn an_execution_is_watched_to_its_end_and_shown_afterwards() {
    let folder = Folder::new();
    let store = folder.store();
    // The watcher is there before the store, the tables and the execution are.
    let watcher = tokio::spawn(ended(on_store(&store, &["watch", "--wait", "120"])));
    let world = World::new(&store, 600.0).await;
    let (driver, id) = world.begin("exec-watched").await;
    driver.drive(&id, &Unwatched).await.expect("driven");

    let watched = watcher.await.expect("no panic");
    let lines = text(&watched.stdout);
    assert_eq!(
        watched.status.code(),
        Some(0),
        "{lines}{}",
        text(&watched.stderr)
    );
    for expected in [
        "started: 2 waves, 4 servers",
        "wave \"database\" COMPLETED after",
        "db-1 LAUNCHED",
        "is COMPLETED: 4 of 4 servers launched",
    ] {
        assert!(
            lines.contains(expected),
            "{expected:?} is missing from:\n{lines}"
        );
    }
    assert!(
        !lines.contains('\x1b'),
        "a pipe gets no escape sequences:\n{lines}"
    );

    let listed = ended(on_store(&store, &["list", "--plan", "SHOP", "--json"])).await;
    let listed: serde_json::Value = serde_json::from_slice(&listed.stdout).expect("JSON");
    assert_eq!(listed["executions"][0]["execution_id"], "exec-watched");
    assert_eq!(listed["executions"][0]["status"], "COMPLETED");

    let shown = ended(on_store(&store, &["show", "--json", "--timeline"])).await;
    let shown: serde_json::Value = serde_json::from_slice(&shown.stdout).expect("JSON");
    assert_eq!(shown["waves"][1]["launched"], 2);
    assert!(
        shown["timeline"]
            .as_array()
            .is_some_and(|events| events.len() > 10)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_watch_leaves_the_execution_alone() {
    let folder = Folder::new();
    let store = folder.store();
    let world = World::new(&store, 1.0).await;
    let (driver, id) = world.begin("exec-left").await;
    let before = driver.load(&id).await.expect("readable").seq;

    let mut watcher = tokio::process::Command::from(on_store(&store, &["watch", "exec-left"]))
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("drsctl runs");
    let mut lines = BufReader::new(watcher.stdout.take().expect("piped")).lines();
    let mut told = String::new();
    while let Some(line) = lines.next_line().await.expect("readable") {
        told.push_str(&line);
        if line.contains("driven by a test") {
            // It listens for signals since before it printed anything.
            interrupt(watcher.id().expect("it runs"));
        }
    }
    let status = watcher.wait().await.expect("it ends");
    assert_eq!(status.code(), Some(130), "{told}");
    assert!(
        told.contains("Execution exec-left was not touched, it goes on"),
        "{told}"
    );
    assert_eq!(driver.load(&id).await.expect("readable").seq, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_goes_away_ends_a_command_quietly() {
    let folder = Folder::new();
    let store = folder.store();
    let world = World::new(&store, 1.0).await;
    world.begin("exec-shown").await;

    let mut child = on_store(&store, &["show", "--timeline"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("drsctl runs");
    drop(child.stdout.take());
    let output = tokio::task::spawn_blocking(move || child.wait_with_output()).await;
    let output = output.expect("no panic").expect("it ends");
    assert_eq!(output.status.code(), Some(141));
    assert_eq!(text(&output.stderr), "");
}
