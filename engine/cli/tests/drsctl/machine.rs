//! Executions that a state machine drives. Step Functions is a stand-in here that remembers what it was asked; where the
//! machine has to drive, the test does it in its name.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use drs_engine::event::{Author, Event};
use drs_engine::store::machine::Token;
use drs_engine_aws::machines::Hosting;
use serde_json::{Value, json};

use super::elsewhere::refused;
use super::*;

const MACHINE: &str = "arn:aws:states:us-east-1:111122223333:stateMachine:drs";

/// A stand-in of Step Functions. It lives as long as the test's process.
#[derive(Clone)]
struct StepFunctions {
    url: String,
    seen: Arc<Mutex<Vec<(String, Value)>>>,
    /// What operations are refused with.
    refusals: Arc<Mutex<BTreeMap<&'static str, &'static str>>>,
    kind: Arc<Mutex<&'static str>>,
}

impl StepFunctions {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let this = Self {
            url: format!("http://{address}"),
            seen: Arc::default(),
            refusals: Arc::default(),
            kind: Arc::new(Mutex::new("STANDARD")),
        };
        let serving = this.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                serving.serve(stream);
            }
        });
        this
    }

    fn serve(&self, mut stream: TcpStream) {
        let Some((operation, body)) = request(&mut stream) else {
            return;
        };
        let refusal = self
            .refusals
            .lock()
            .expect("unlocked")
            .get(operation.as_str())
            .copied();
        let (status, answer) = match refusal {
            Some(code) => (400, json!({ "__type": code, "message": "no" })),
            None => (200, self.answer(&operation)),
        };
        self.seen.lock().expect("unlocked").push((operation, body));
        let answer = answer.to_string();
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            answer.len()
        );
        let _ = stream.write_all(format!("{head}{answer}").as_bytes());
    }

    fn answer(&self, operation: &str) -> Value {
        match operation {
            "DescribeStateMachine" => json!({
                "stateMachineArn": MACHINE, "name": "drs", "definition": "{}", "roleArn": "arn:aws:iam::111122223333:role/drs",
                "type": *self.kind.lock().expect("unlocked"), "status": "ACTIVE", "creationDate": 1.0,
            }),
            "StartExecution" => json!({ "executionArn": "arn", "startDate": 1.0 }),
            _ => json!({}),
        }
    }

    fn refuse(&self, operation: &'static str, code: &'static str) {
        self.refusals
            .lock()
            .expect("unlocked")
            .insert(operation, code);
    }

    fn accept(&self, operation: &'static str) {
        self.refusals.lock().expect("unlocked").remove(operation);
    }

    fn seen(&self, operation: &str) -> Vec<Value> {
        let seen = self.seen.lock().expect("unlocked");
        let seen = seen.iter().filter(|(name, _)| name == operation);
        seen.map(|(_, body)| body.clone()).collect()
    }
}

/// The operation and the body of a request.
fn request(stream: &mut TcpStream) -> Option<(String, Value)> {
    let mut bytes = Vec::new();
    let mut part = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).to_string();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let header = |name: &str| {
                let mut lines = head.lines();
                let line = lines.find_map(|line| {
                    let (key, value) = line.split_once(':')?;
                    key.eq_ignore_ascii_case(name)
                        .then(|| value.trim().to_owned())
                });
                line.unwrap_or_default()
            };
            if body.len() >= header("content-length").parse().unwrap_or(0) {
                let target = header("x-amz-target");
                let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
                return Some((operation, serde_json::from_str(body).unwrap_or_default()));
            }
        }
        let count = stream.read(&mut part).ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&part[..count]);
    }
}

struct Place {
    world: World,
    step_functions: StepFunctions,
    store: PathBuf,
    _folder: Folder,
}

impl Place {
    async fn new(speed: f64) -> Self {
        let folder = Folder::new();
        let store = folder.store();
        Self {
            world: World::new(&store, speed).await,
            step_functions: StepFunctions::new(),
            store,
            _folder: folder,
        }
    }

    /// The binary with the simulator and Step Functions by their endpoints, as on AWS.
    fn drsctl(&self, arguments: &[&str]) -> Command {
        let credentials = self.world.simulator.credentials();
        let mut command = drsctl(arguments);
        command
            .env("AWS_ENDPOINT_URL", self.world.simulator.endpoint())
            .env("AWS_ENDPOINT_URL_SFN", &self.step_functions.url)
            .env("AWS_REGION", self.world.simulator.default_region())
            .env("AWS_ACCESS_KEY_ID", credentials.access_key_id)
            .env("AWS_SECRET_ACCESS_KEY", credentials.secret_access_key)
            .env("DRS_STATE_MACHINE", MACHINE);
        if let Some(token) = credentials.session_token {
            command.env("AWS_SESSION_TOKEN", token);
        }
        command
    }

    fn working(&self, arguments: &[&str]) -> Working {
        Working::of(self.drsctl(arguments))
    }

    /// The driver that the machine is, for a run.
    fn driver_of(&self, hosting: &Hosting) -> Driver<AwsDrs, DynamoItems, SystemClock> {
        hosting.name(self.world.session.driver(String::new()))
    }

    /// The run that was begun last.
    fn begun(&self) -> Hosting {
        let begun = self.step_functions.seen("StartExecution");
        let input = begun.last().expect("one was begun")["input"].clone();
        let input: Value = serde_json::from_str(input.as_str().expect("text")).expect("JSON");
        Hosting {
            state_machine: MACHINE.to_owned(),
            execution: ExecutionId::new(input["execution_id"].as_str().expect("an id")),
            run: input["run"].as_str().expect("a name").to_owned(),
        }
    }

    async fn executions(&self) -> Value {
        document(&ended(on_store(&self.store, &["list", "--json"])).await)["executions"].clone()
    }
}

const HOSTED: [&str; 4] = ["start", "shop", "--runner", "step-functions"];

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_that_cannot_drive_starts_nothing() {
    let place = Place::new(60.0).await;
    let start = |more: &[&str]| place.drsctl(&[&HOSTED[..], more].concat());
    refused(
        start(&["--state-machine", "drs"]),
        "is not the ARN of a state machine",
    )
    .await;
    *place.step_functions.kind.lock().expect("unlocked") = "EXPRESS";
    refused(start(&[]), "is an express one").await;
    place
        .step_functions
        .refuse("DescribeStateMachine", "StateMachineDoesNotExist");
    refused(start(&[]), "there is no state machine arn:aws:states:").await;
    place
        .step_functions
        .refuse("DescribeStateMachine", "AccessDeniedException");
    refused(
        start(&[]),
        "the state machine cannot be looked at: states:DescribeStateMachine",
    )
    .await;
    let mut unnamed = place.drsctl(&HOSTED);
    unnamed.env_remove("DRS_STATE_MACHINE");
    refused(unnamed, "needs the ARN of a state machine").await;
    let alone = place.drsctl(&["start", "shop", "--state-machine", MACHINE]);
    refused(alone, "--state-machine was given, and this process drives").await;
    let local = [&HOSTED[..], &["--state-machine", MACHINE]].concat();
    refused(on_store(&place.store, &local), "which is on this machine").await;
    assert_eq!(place.executions().await, json!([]));
    assert!(place.step_functions.seen("StartExecution").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_machine_drives_is_driven_here_at_once() {
    let place = Place::new(600.0).await;
    place
        .step_functions
        .refuse("StartExecution", "AccessDeniedException");
    let output = ended(place.drsctl(&HOSTED)).await;
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{told}");
    let hosting = place.begun();
    let id = hosting.execution.as_str();
    for part in [
        &format!(
            "the state machine was not started for execution {id}: states:StartExecution was refused"
        ),
        "nobody drives the execution",
        &format!("`drsctl run {id}` drives it here; `drsctl cancel {id} --reason TEXT` ends it."),
    ] {
        assert!(told.contains(part), "{part:?} is missing from:\n{told}");
    }
    let began = std::time::Instant::now();
    let (told, code) = Working::new(&place.store, &["run", id]).end().await;
    assert_eq!(code, Some(0), "{told}");
    assert!(
        told.contains(&format!("Nobody drives execution {id}")),
        "{told}"
    );
    assert!(
        began.elapsed().as_secs() < 25,
        "nobody waits for the silence of what never was"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_is_followed_and_an_interruption_stops_nothing() {
    let place = Place::new(600.0).await;
    let mut started = place.working(&HOSTED);
    started.until("started: 2 waves, 4 servers").await;
    let hosting = place.begun();
    let id = hosting.execution.clone();
    started.interrupt();
    let (told, code) = started.end().await;
    assert_eq!(code, Some(130), "{told}");
    let host = hosting.host();
    assert!(
        told.contains(&format!(
            "nothing was stopped: execution {id} goes on in the state machine's run {host}."
        )),
        "{told}"
    );
    assert!(
        told.contains(&format!("`drsctl cancel {id} --reason TEXT` ends it")),
        "{told}"
    );
    let shown = document(&ended(on_store(&place.store, &["show", "--json"])).await);
    assert_eq!(shown["owner"]["host"], host, "{shown}");
    assert_eq!(shown["status"], "RUNNING");

    let watching = place.working(&["watch", id.as_str()]);
    let driver = place.driver_of(&hosting);
    driver.drive(&id, &Unwatched).await.expect("driven");
    let (told, code) = watching.end().await;
    assert_eq!(code, Some(0), "{told}");
    let sent = &place.step_functions.seen("StartExecution");
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0]["stateMachineArn"], MACHINE);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wish_wakes_the_machine_that_waits() {
    let place = Place::new(60.0).await;
    let id = ExecutionId::new("exec-paused");
    let hosting = Hosting::new(MACHINE, &id);
    let (first, _) = place.world.begin(id.as_str()).await;
    let driver = place.driver_of(&hosting);
    let state = driver.take_over(&id, &Unwatched).await.expect("taken");
    let by = Author::Operator("arn".to_owned());
    let reason = "wait".to_owned();
    let pause = Event::PauseRequested {
        before: None,
        reason,
    };
    first
        .request(&id, by, pause, &Unwatched)
        .await
        .expect("asked");
    let wait = async || {
        let token = Token {
            owner: hosting.owner(),
            state_machine: MACHINE.to_owned(),
            token: "the-secret".to_owned(),
        };
        driver
            .executions
            .keep_token(&id, &token)
            .await
            .expect("kept");
    };
    assert!(state.is_owned_by(&hosting.owner()));

    wait().await;
    place
        .step_functions
        .refuse("SendTaskSuccess", "TaskTimedOut");
    let hold = ["pause", id.as_str(), "--before", "web", "--reason", "later"];
    let output = ended(place.drsctl(&hold)).await;
    let told = text(&output.stdout);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{told}{}",
        text(&output.stderr)
    );
    assert!(
        told.contains("was not woken: it waits for no word any more"),
        "{told}"
    );
    assert!(
        told.contains("looks at the history by itself, within 15m"),
        "{told}"
    );
    assert_eq!(
        driver.executions.token(&id).await,
        Ok(None),
        "it is good for nothing"
    );

    wait().await;
    place.step_functions.accept("SendTaskSuccess");
    let cancel = ["cancel", id.as_str(), "--reason", "enough"];
    let output = ended(place.drsctl(&cancel)).await;
    let told = text(&output.stdout);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{told}{}",
        text(&output.stderr)
    );
    assert!(
        !told.contains("not woken") && !told.contains("the-secret"),
        "{told}"
    );
    let woken = place.step_functions.seen("SendTaskSuccess");
    assert_eq!(
        woken[1..],
        [json!({ "taskToken": "the-secret", "output": "{}" })]
    );
    assert_eq!(
        driver.executions.token(&id).await,
        Ok(None),
        "it is forgotten"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_takes_up_what_nobody_drives() {
    let place = Place::new(600.0).await;
    let (driver, id) = place.world.begin("exec-left").await;
    let run = ["run", "exec-left", "--runner", "step-functions"];
    refused(
        place.drsctl(&run),
        "execution exec-left is driven by a test",
    )
    .await;
    assert!(place.step_functions.seen("StartExecution").is_empty());

    driver.leave(&id).await.expect("left");
    let mut taken = place.working(&run);
    taken.until("takes it over at its first turn").await;
    let hosting = place.begun();
    let machine = place.driver_of(&hosting);
    machine.take_over(&id, &Unwatched).await.expect("taken");
    machine.drive(&id, &Unwatched).await.expect("driven");
    let (told, code) = taken.end().await;
    assert_eq!(code, Some(0), "{told}");

    let (_, id) = place.world.begin("exec-alive").await;
    let by_force = [&["run", id.as_str()], &run[2..], &["--take-over"]].concat();
    let mut taken = place.working(&by_force);
    taken.until("is taken over from a test").await;
    taken.interrupt();
    let (told, code) = taken.end().await;
    assert_eq!(code, Some(130), "{told}");
    let state = place
        .driver_of(&place.begun())
        .load(&id)
        .await
        .expect("readable");
    assert!(state.is_owned_by(&place.begun().owner()));
}
