//! Who is told what: the topics of the simulator are asked what was published.

use drs_engine::plan::NotificationsSpec;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;

const TOPIC: &str = "arn:aws:sns:us-east-1:111122223333:disaster-recovery";

impl World {
    /// Changes the plan of the shop.
    pub(super) async fn change(&self, change: impl FnOnce(&mut PlanSpec)) {
        let plans = self.session.plans();
        let plan = plans.find(&self.plan).await.expect("readable");
        let mut plan = plan.expect("it is there");
        change(&mut plan.spec);
        let now = self.session.clock().now();
        let changed = plans.update(&plan.id, plan.spec, plan.tags, now).await;
        changed.expect("a plan");
    }

    /// What was published, oldest first: the input of each call.
    async fn published(&self) -> Vec<Value> {
        let token = std::fs::read_to_string(self.simulator.admin_token_path()).expect("a token");
        let endpoint = self.simulator.admin_endpoint().expect("it is served");
        let address = endpoint.trim_start_matches("http://").to_owned();
        let request = format!(
            "GET /calls HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\r\n",
            token.trim()
        );
        let mut stream = tokio::net::TcpStream::connect(&address)
            .await
            .expect("it listens");
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("answered");
        let (_, body) = answer.split_once("\r\n\r\n").expect("it has a body");
        let calls: Value = serde_json::from_str(body).expect("JSON");
        let calls = calls["calls"].as_array().expect("a list").iter();
        let published = calls.filter(|call| call["operation"] == "sns:Publish");
        published.map(|call| call["input"].clone()).collect()
    }
}

fn telling(topics: &[&str]) -> Option<NotificationsSpec> {
    Some(NotificationsSpec {
        topic_arns: topics.iter().map(|topic| (*topic).to_owned()).collect(),
        events: None,
    })
}

/// The command of a message that begins like this, as a person would type it.
fn command(message: &Value, begins: &str) -> Vec<String> {
    let text = message["Message"].as_str().expect("text");
    let told = text.split('`').find(|told| told.starts_with(begins));
    let told = told.unwrap_or_else(|| panic!("{begins} is missing from:\n{text}"));
    let words = told.split(' ').skip(1);
    words.map(|word| word.replace("TEXT", "seen")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_is_told_of_a_start_a_pause_and_the_end_and_the_commands_work() {
    let folder = Folder::new();
    let store = folder.store();
    let world = World::new(&store, 600.0).await;
    world
        .change(|spec| {
            spec.notifications = telling(&[TOPIC]);
            spec.waves[1].pause_before = Some(true);
        })
        .await;
    let shown = ended(on_store(&store, &["plan", "show", "shop"])).await;
    let shown = text(&shown.stdout);
    assert!(shown.contains(&format!("tells {TOPIC}")), "{shown}");

    let arguments = ["start", "shop", "--reason", "a quarter has passed"];
    let mut started = Working::new(&store, &arguments);
    started.until(&format!("{TOPIC} was told: PAUSED")).await;
    let id = newest(&store).await;
    let published = world.published().await;
    let subjects: Vec<&str> = published
        .iter()
        .filter_map(|message| message["Subject"].as_str())
        .collect();
    assert_eq!(
        subjects,
        [
            "STARTED: drill of plan shop",
            "PAUSED at wave web: drill of plan shop"
        ]
    );
    let paused = &published[1];
    assert_eq!(paused["MessageAttributes"]["notice"], "PAUSED");
    assert_eq!(paused["MessageAttributes"]["execution_id"], id.as_str());
    for begins in ["drsctl cancel", "drsctl show"] {
        assert_eq!(command(paused, begins)[1], id);
    }
    let resume = command(paused, "drsctl resume");
    let resume: Vec<&str> = resume.iter().map(String::as_str).collect();
    let mut resumed = Working::new(&store, &resume);
    resumed.until("Resumed.").await;
    let (told, code) = started.end().await;
    assert_eq!(code, Some(0), "{told}");
    assert!(
        told.contains(&format!("{TOPIC} was told: FINISHED")),
        "{told}"
    );
    let (told, code) = resumed.end().await;
    assert_eq!(code, Some(0), "{told}");
    let published = world.published().await;
    assert_eq!(published.len(), 3);
    let last = &published[2];
    assert_eq!(
        last["Subject"],
        "COMPLETED: drill of plan shop, 4 of 4 servers launched"
    );
    assert_eq!(last["MessageAttributes"]["status"], "COMPLETED");
    let shown = document(&ended(on_store(&store, &["show", &id, "--json"])).await);
    let notices = shown["notices"].as_array().expect("a list");
    assert!(notices.iter().all(|notice| notice["status"] == "SENT"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_is_missing_stops_nothing_and_is_named() {
    let folder = Folder::new();
    let store = folder.store();
    let world = World::new(&store, 600.0).await;
    let missing = "arn:aws:sns:us-east-1:111122223333:disaster-recvoery";
    world
        .change(|spec| spec.notifications = telling(&[missing, TOPIC]))
        .await;
    let (told, code) = Working::new(&store, &["start", "shop"]).end().await;
    assert_eq!(code, Some(0), "{told}");
    assert!(
        told.contains(&format!(
            "{missing} was NOT told of STARTED: sns:Publish was refused: NotFound"
        )),
        "{told}"
    );
    let shown = document(&ended(on_store(&store, &["show", "--json"])).await);
    let of = |topic: &str| {
        let notices = shown["notices"].as_array().expect("a list").iter();
        let own = notices.filter(|notice| notice["topic_arn"] == topic);
        own.map(|notice| notice["status"].as_str().expect("text").to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(of(missing), ["GIVEN_UP", "GIVEN_UP"]);
    assert_eq!(of(TOPIC), ["SENT", "SENT"]);
}
