//! Recoveries without tables: a plan file, a history in a directory, and its way into the tables; and histories that go.

use super::*;

/// A Region in which there are no tables.
const LOST: &str = "eu-west-3";

struct Place {
    store: PathBuf,
    file: PathBuf,
    history: PathBuf,
    _folder: Folder,
}

impl Place {
    /// A simulator with a plan that was exported.
    async fn new(speed: f64) -> (Self, World) {
        let folder = Folder::new();
        let place = Self {
            store: folder.store(),
            file: folder.0.join("shop.json"),
            history: folder.0.join("history"),
            _folder: folder,
        };
        let world = World::new(&place.store, speed).await;
        let file = place.file.to_str().expect("text");
        let exported = place.drsctl(&["plan", "export", "SHOP", file, "--json"]);
        let exported = document(&ended(exported).await);
        assert_eq!(exported["next_run"], 1, "{exported}");
        (place, world)
    }

    fn drsctl(&self, arguments: &[&str]) -> Command {
        on_store(&self.store, arguments)
    }

    /// The same where no table can be reached.
    fn without_tables(&self, arguments: &[&str]) -> Command {
        let mut command = self.drsctl(arguments);
        command
            .env("DRS_HISTORY_REGION", LOST)
            .env("DRS_HISTORY", &self.history);
        command
    }

    fn failover(&self, more: &[&str]) -> Command {
        let file = self.file.to_str().expect("text");
        let arguments = ["failover", "--plan-file", file];
        self.without_tables(&[&arguments[..], more].concat())
    }
}

pub(super) async fn refused(command: Command, said: &str) {
    let output = ended(command).await;
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains(said), "{said:?} is missing from:\n{told}");
    assert!(
        told.contains(" safe: ") && told.contains(" help: "),
        "{told}"
    );
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_plan_file_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;

    let (place, _world) = Place::new(1.0).await;
    let mode = |path: &Path| {
        std::fs::metadata(path)
            .expect("it is there")
            .permissions()
            .mode()
    };
    assert_eq!(mode(&place.file) & 0o777, 0o600);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recovery_without_tables_survives_its_process_and_is_imported() {
    let (place, _world) = Place::new(120.0).await;
    let lost = |arguments: &[&str]| ended(place.drsctl(arguments));
    let history = place.history.to_str().expect("text");
    refused(
        place.failover(&["--reason", "the Region is gone", "--confirm", "shop/2"]),
        "the next run of plan \"shop\" is \"shop/1\", not \"shop/2\"",
    )
    .await;
    let looked = ended(place.failover(&["--dry-run"])).await;
    let told = text(&looked.stdout);
    assert_eq!(
        looked.status.code(),
        Some(0),
        "{told}{}",
        text(&looked.stderr)
    );
    assert!(
        told.contains("no other execution of the plan runs (running-execution)"),
        "{told}"
    );

    let started = ["--reason", "the Region is gone", "--confirm", "shop/1"];
    let mut child = tokio::process::Command::from(place.failover(&started))
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("drsctl runs");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let mut told = String::new();
    while let Some(line) = lines.next_line().await.expect("readable") {
        told.push_str(&line);
        if line.contains("launched as drsjob-") {
            break;
        }
    }
    assert!(
        told.contains("the plan was not run since its file was written (run-number)"),
        "{told}"
    );
    child.kill().await.expect("killed");

    refused(
        place.drsctl(&["history", "import", history]),
        "has something left to do",
    )
    .await;
    let run = ended(place.without_tables(&["run", "--take-over", "--json"])).await;
    let shown = document(&run);
    assert_eq!(run.status.code(), Some(0), "{shown}");
    assert_eq!(
        (&shown["mode"], &shown["status"]),
        (&"RECOVERY".into(), &"COMPLETED".into())
    );
    let jobs = shown["jobs"].as_array().expect("jobs");
    assert_eq!(jobs.len(), 2, "nothing is launched twice: {shown}");
    let id = shown["execution_id"].as_str().expect("an id").to_owned();
    refused(
        place.failover(&started),
        "the next run of plan \"shop\" is \"shop/2\"",
    )
    .await;

    refused(place.drsctl(&["show", &id]), "there is no execution").await;
    let imported = lost(&["history", "import", history, "--json"]).await;
    let imported = document(&imported);
    assert_eq!(imported["imported"][0], id.as_str(), "{imported}");
    assert_eq!(imported["runs"][0]["after"], 1, "{imported}");
    let again = document(&lost(&["history", "import", history, "--json"]).await);
    assert_eq!(again["known"][0], id.as_str(), "{again}");
    let shown = text(&lost(&["show", &id]).await.stdout);
    assert!(
        shown.contains("without leases: started from a plan file of"),
        "{shown}"
    );
    refused(
        place.drsctl(&[
            "failover",
            "shop",
            "--reason",
            "again",
            "--confirm",
            "shop/1",
        ]),
        "the next run of plan \"shop\" is \"shop/2\"",
    )
    .await;

    let delete =
        |more: &[&str]| place.drsctl(&[&["delete", &id, "--reason", "names"], more].concat());
    refused(delete(&[]), "is not confirmed").await;
    refused(
        delete(&["--confirm", &id]),
        "launched instances that are not known to be gone",
    )
    .await;
    let deleted = ended(delete(&["--confirm", &id, "--keep-instances", "--json"])).await;
    assert_eq!(document(&deleted)["reason"], "names");
    let shown = ended(place.drsctl(&["show", &id])).await;
    let told = text(&shown.stderr);
    assert_eq!(shown.status.code(), Some(2));
    assert!(
        told.contains("was deleted on") && told.contains("names"),
        "{told}"
    );
    let again = document(&lost(&["history", "import", history, "--json"]).await);
    assert_eq!(
        again["known"][0],
        id.as_str(),
        "what was deleted does not come back: {again}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_or_a_directory_that_cannot_be_used_is_refused_before_anything_happens() {
    let (place, world) = Place::new(1.0).await;
    let started = ["--reason", "r", "--confirm", "shop/1"];
    refused(place.without_tables(&["list"]), "there is no history in").await;
    let whole = std::fs::read_to_string(&place.file).expect("readable");
    for (content, said) in [
        (
            whole[..whole.len() / 2].to_owned(),
            "it is not a whole plan file",
        ),
        (
            whole.replace("\"next_run\": 1", "\"next_run\": 9"),
            "its digests do not fit",
        ),
    ] {
        std::fs::write(&place.file, content).expect("writable");
        refused(place.failover(&started), said).await;
        assert!(!place.history.exists());
    }
    std::fs::write(&place.file, whole).expect("writable");
    std::fs::create_dir_all(&place.history).expect("a folder");
    std::fs::write(place.history.join("letter.txt"), "dear").expect("writable");
    refused(place.failover(&started), "is there, and is no history").await;
    let left = world.session.executions().newest_running().await;
    assert_eq!(left, Ok(None), "nothing was started");
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_change_nothing_and_say_what_helps() {
    let (place, world) = Place::new(600.0).await;
    for command in ["show", "export", "watch", "run"] {
        refused(
            place.drsctl(&[command, "exec-unknown"]),
            "there is no execution exec-unknown",
        )
        .await;
    }
    for command in ["pause", "resume", "cancel", "terminate"] {
        refused(
            place.drsctl(&[command, "exec-unknown", "--reason", "r"]),
            "there is no execution exec-unknown",
        )
        .await;
    }
    refused(
        place.drsctl(&["start", "office"]),
        "there is no recovery plan \"office\"",
    )
    .await;

    // A group that finds nobody.
    let now = world.session.clock().now();
    let id = GroupId::new(fresh::id("pg"));
    let config = GroupConfig {
        name: "nobody".to_owned(),
        description: None,
        target: world.session.target(),
        selection: Selection::Tags(BTreeMap::from([("Tier".to_owned(), "none".to_owned())])),
        tags: BTreeMap::new(),
    };
    world
        .session
        .groups()
        .create(id.clone(), config, now)
        .await
        .expect("a group");
    let spec = PlanSpec {
        name: "empty".to_owned(),
        waves: vec![wave_over("all", id)],
        ..PlanSpec::default()
    };
    let plan = PlanId::new(fresh::id("rp"));
    let plans = world.session.plans();
    plans
        .create(plan, spec, BTreeMap::new(), now)
        .await
        .expect("a plan");
    refused(
        place.drsctl(&["start", "empty"]),
        "no drill of plan \"empty\" was started",
    )
    .await;
    let left = world.session.executions().newest_running().await;
    assert_eq!(left, Ok(None), "nothing was started");

    let started = ended(place.drsctl(&["start", "shop"])).await;
    assert_eq!(started.status.code(), Some(0), "{}", text(&started.stderr));
    let id = newest(&place.store).await;
    refused(
        place.drsctl(&["resume", &id, "--reason", "r"]),
        "it has ended",
    )
    .await;
    refused(
        place.drsctl(&["pause", &id, "--reason", "r"]),
        "it has ended",
    )
    .await;

    // The plan is another now; the execution keeps what it started with.
    let stored = plans
        .find(&world.plan)
        .await
        .expect("readable")
        .expect("a plan");
    let mut spec = stored.spec;
    spec.waves[1].wait_time_seconds = Some(60);
    plans
        .update(&world.plan, spec, BTreeMap::new(), now)
        .await
        .expect("changed");
    let shown = text(&ended(place.drsctl(&["show", &id])).await.stdout);
    assert!(
        shown.contains(
            "Plan \"shop\" was changed since; this execution keeps what it started with."
        ),
        "{shown}"
    );
    let shown = document(&ended(place.drsctl(&["show", &id, "--json"])).await);
    assert_eq!(shown["plan_changed"], true);
    let watched = document(&ended(place.drsctl(&["watch", &id, "--json"])).await);
    assert_eq!(watched["status"], "COMPLETED");
}
