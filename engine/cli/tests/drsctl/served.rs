//! The simulator that a command starts, or does not.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn whoever_only_looks_makes_no_simulator() {
    let folder = Folder::new();
    let store = folder.store();
    let output = ended(on_store(&store, &["list"])).await;
    assert_eq!(output.status.code(), Some(2));
    let told = text(&output.stderr);
    assert!(
        told.starts_with("error: there is no simulator in "),
        "{told}"
    );
    assert!(!store.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_served_simulator_is_used_by_its_endpoint_until_it_is_interrupted() {
    let folder = Folder::new();
    let store = folder.store();
    let directory = store.to_str().expect("text");
    let arguments = ["simulator", "--directory", directory, "--json"];
    let mut server = tokio::process::Command::from(drsctl(&arguments))
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("drsctl runs");
    let mut lines = BufReader::new(server.stdout.take().expect("piped")).lines();
    let line = lines.next_line().await.expect("readable").expect("a line");
    let served: serde_json::Value = serde_json::from_str(&line).expect("JSON");
    let value = |name: &str| served[name].as_str().expect("text").to_owned();
    let client = |arguments: &[&str]| {
        let mut command = drsctl(arguments);
        command
            .env("AWS_ENDPOINT_URL", value("endpoint"))
            .env("AWS_REGION", value("region"))
            .env("AWS_ACCESS_KEY_ID", value("access_key_id"))
            .env("AWS_SECRET_ACCESS_KEY", value("secret_access_key"));
        command
    };
    assert_eq!(
        ended(client(&["tables", "check"])).await.status.code(),
        Some(2)
    );
    assert_eq!(
        ended(client(&["tables", "create"])).await.status.code(),
        Some(0)
    );
    let listed = ended(client(&["list"])).await;
    assert_eq!(listed.status.code(), Some(0), "{}", text(&listed.stderr));
    assert!(text(&listed.stdout).starts_with("There is no execution in environment"));

    interrupt(server.id().expect("it runs"));
    let status = server.wait().await.expect("it ends");
    assert_eq!(status.code(), Some(0));
}
