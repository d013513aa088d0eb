//! What the world promises, seen through its door.

mod admin;
mod initialize;
mod instances;
mod launches;
mod lists;
mod points;
mod refusals;
mod same;
mod settings;
mod size;
mod stubs;
mod terminations;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::admin::{AdminCommand, Place};
use super::{ApiError, Caller, World};
use crate::sim::fleet::{Account, Fleet, Region, Server, Settings};
use crate::time::after;

const ACCOUNT: &str = "111122223333";
const REGION: &str = "us-east-1";

/// A world, a caller and a clock.
#[derive(Clone)]
struct Bench {
    world: World,
    now: Timestamp,
    caller: Caller,
}

impl Bench {
    fn of(fleet: &Fleet) -> Self {
        let now = "2026-11-24T08:00:00Z".parse().unwrap();
        Self {
            world: World::new(fleet, 7, now),
            now,
            caller: Caller {
                account_id: ACCOUNT.to_owned(),
                arn: format!("arn:aws:iam::{ACCOUNT}:user/operator"),
            },
        }
    }

    /// A world of healthy servers, with settings.
    fn with(servers: Vec<Server>, settings: Settings) -> Self {
        let region = Region::with(REGION, servers);
        let account = Account {
            id: ACCOUNT.to_owned(),
            external_id: None,
            regions: vec![region],
        };
        Self::of(&Fleet {
            accounts: vec![account],
            settings,
            iam: None,
        })
    }

    fn healthy(count: usize) -> Self {
        Self::with(named(count), Settings::default())
    }

    fn try_call(&mut self, operation: &str, input: Value) -> Result<Value, ApiError> {
        let caller = self.caller.clone();
        let reply = self
            .world
            .call(self.now, &caller, REGION, operation, &input);
        reply.map(|reply| reply.body.unwrap_or(Value::Null))
    }

    fn call(&mut self, operation: &str, input: Value) -> Value {
        self.try_call(operation, input).unwrap()
    }

    /// The code and the message of a refusal.
    fn refusal(&mut self, operation: &str, input: Value) -> (String, u16, String) {
        let error = self.try_call(operation, input).unwrap_err();
        (error.code, error.status, error.message)
    }

    fn items(&mut self, operation: &str, input: Value) -> Vec<Value> {
        self.call(operation, input)["items"]
            .as_array()
            .unwrap()
            .clone()
    }

    fn admin(&mut self, command: AdminCommand) -> Value {
        self.world.admin(self.now, command).unwrap()
    }

    fn wait(&mut self, seconds: f64) {
        self.now = after(self.now, SignedDuration::from_secs_f64(seconds));
    }

    /// The ids of servers by their host names.
    fn ids(&mut self, hostnames: &[&str]) -> Vec<String> {
        let servers = self.items("DescribeSourceServers", json!({"maxResults": 1000}));
        let id = |hostname: &&str| {
            let is_it = |server: &&Value| {
                server["sourceProperties"]["identificationHints"]["hostname"] == **hostname
            };
            let server = servers.iter().find(is_it).unwrap();
            server["sourceServerID"].as_str().unwrap().to_owned()
        };
        hostnames.iter().map(id).collect()
    }

    fn server(&mut self, id: &str) -> Value {
        let filters = json!({"filters": {"sourceServerIDs": [id]}});
        self.items("DescribeSourceServers", filters).remove(0)
    }

    /// Starts a drill. The job's id.
    fn launch(&mut self, ids: &[String]) -> String {
        let answer = self.call("StartRecovery", drill(ids));
        answer["job"]["jobID"].as_str().unwrap().to_owned()
    }

    fn job(&mut self, id: &str) -> Value {
        self.items("DescribeJobs", json!({"filters": {"jobIDs": [id]}}))
            .remove(0)
    }

    /// The launch status of every server of a job.
    fn statuses(&mut self, job: &str) -> Vec<String> {
        let job = self.job(job);
        let servers = job["participatingServers"].as_array().unwrap();
        let status = |server: &Value| server["launchStatus"].as_str().unwrap().to_owned();
        servers.iter().map(status).collect()
    }

    /// A job's log: seconds after the first line, the event, and the event's data.
    fn log(&mut self, job: &str) -> Vec<(f64, String, Value)> {
        let items = self.items(
            "DescribeJobLogItems",
            json!({"jobID": job, "maxResults": 1000}),
        );
        let at =
            |item: &Value| -> Timestamp { item["logDateTime"].as_str().unwrap().parse().unwrap() };
        let first = items.first().map(at);
        let line = |item: &Value| {
            let since = at(item).duration_since(first.unwrap()).as_secs_f64();
            (
                since,
                item["event"].as_str().unwrap().to_owned(),
                item["eventData"].clone(),
            )
        };
        items.iter().map(line).collect()
    }

    fn events(&mut self, job: &str) -> Vec<String> {
        self.log(job)
            .into_iter()
            .map(|(_, event, _)| event)
            .collect()
    }

    fn instances(&mut self) -> Vec<Value> {
        self.items("DescribeRecoveryInstances", json!({"maxResults": 1000}))
    }

    /// Launches servers and waits until the job is over. The instances' ids, in the order of the servers.
    fn launched(&mut self, ids: &[String]) -> Vec<String> {
        self.launch(ids);
        self.wait(HOUR);
        let instances = self.instances();
        let of = |id: &String| {
            let instance = instances
                .iter()
                .find(|instance| instance["sourceServerID"] == **id);
            instance.unwrap()["recoveryInstanceID"]
                .as_str()
                .unwrap()
                .to_owned()
        };
        ids.iter().map(of).collect()
    }
}

const HOUR: f64 = 3_600.0;

fn named(count: usize) -> Vec<Server> {
    (1..=count)
        .map(|number| Server::named(&format!("host-{number:04}")))
        .collect()
}

fn drill(ids: &[String]) -> Value {
    let servers: Vec<Value> = ids.iter().map(|id| json!({"sourceServerID": id})).collect();
    json!({"sourceServers": servers, "isDrill": true, "tags": {"Execution": "e-1"}})
}

fn here() -> Place {
    Place {
        account_id: None,
        region: REGION.to_owned(),
    }
}
