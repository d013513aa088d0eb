//! The admin API: what only somebody who runs a simulator may do, on a port of its own so that the AWS port stays pure.
//!
//! ```text
//! GET  /clock              world time, and how it passes
//! POST /clock              {"speed": 60} | {"manual": true} | {"set": "2026-01-01T00:00:00Z"} | {"advance_seconds": 90}
//! GET  /state              everything but the tables of DynamoDB, to be kept
//! POST /state              the same, to be restored
//! POST /reset              begins anew, with the store's seed and the state's fleet, and without tables
//! GET  /faults             faults that wait for calls
//! POST /faults             {"operation": "StartRecovery", "fault": "lost_answer", "times": 1, "skip": 0, "region": "us-east-1"}
//! POST /faults/clear       forgets them
//! GET  /holds              answers that are held back
//! POST /holds/release      {"id": 1}, or {} for all
//! GET  /launches           every launch that was ever accepted
//! GET  /counts             how often each operation was called
//! GET  /callers            the same, by who called
//! GET  /calls              the latest calls of functions, documents, topics and state machines
//! POST /world              a command to the world
//! ```
//!
//! Every request needs `Authorization: Bearer` and the token in the store's `admin-token` file.

use std::sync::Arc;
use std::time::Duration;

use drs_engine::sim::world::admin::AdminCommand;
use drs_engine::time::after;
use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::clock::{Clock, Speed};
use crate::http::{Answer, Request};
use crate::server::{Serve, Served};
use crate::service::Service;
use crate::state::{Change, Outcome, State};
use crate::store::{FORMAT, Session};

/// The admin API of a simulator.
pub(crate) struct Admin {
    service: Arc<Service>,
    token_digest: [u8; 32],
}

/// Why a request is refused.
struct Refusal {
    status: u16,
    message: String,
}

impl Refusal {
    fn new(status: u16, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
        }
    }
}

/// How time shall pass. One of the members.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
enum ClockCommand {
    Speed(f64),
    Manual(bool),
    Set(Timestamp),
    AdvanceSeconds(f64),
}

/// A kept state.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Export {
    format: u32,
    /// World time when it was kept.
    at: Timestamp,
    state: State,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Release {
    id: Option<u64>,
}

impl Admin {
    /// The admin API over a service.
    pub(crate) fn new(service: Arc<Service>, token: &str) -> Self {
        Self {
            service,
            token_digest: Sha256::digest(token.as_bytes()).into(),
        }
    }

    fn answer(&self, request: &Request) -> Result<Value, Refusal> {
        self.authorize(request)?;
        let answered = self
            .service
            .store()
            .with(|session| self.route(session, request));
        answered.map_err(|error| Refusal::new(500, error.to_string()))?
    }

    fn authorize(&self, request: &Request) -> Result<(), Refusal> {
        let token = request
            .header("authorization")
            .and_then(|header| header.strip_prefix("Bearer "));
        // Digests are compared, so that the time it takes says nothing about the token.
        let digest: Option<[u8; 32]> =
            token.map(|token| Sha256::digest(token.trim().as_bytes()).into());
        if digest == Some(self.token_digest) {
            return Ok(());
        }
        let message = "The admin API needs the token in the store's admin-token file as `Authorization: Bearer TOKEN`.";
        Err(Refusal::new(401, message))
    }

    fn route(&self, session: &mut Session<'_>, request: &Request) -> Result<Value, Refusal> {
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/clock") => Ok(clock_view(session)),
            ("POST", "/clock") => set_clock(session, read(request)?),
            ("GET", "/state") => export(session),
            ("POST", "/state") => import(session, read(request)?),
            ("POST", "/reset") => self.reset(session),
            ("GET", "/faults") => command(session, AdminCommand::ListFaults),
            ("POST", "/faults") => command(session, AdminCommand::InjectFault(read(request)?)),
            ("POST", "/faults/clear") => command(session, AdminCommand::ClearFaults),
            ("GET", "/holds") => Ok(json!({"holds": holds(session)})),
            ("POST", "/holds/release") => release(session, &read(request)?),
            ("GET", "/launches") => command(session, AdminCommand::ListAcceptedLaunches),
            ("GET", "/counts") => counts(session),
            ("GET", "/callers") => callers(session),
            ("GET", "/calls") => command(session, AdminCommand::ListStubCalls),
            ("POST", "/world") => command(session, read(request)?),
            (method, path) => Err(Refusal::new(404, format!("There is no {method} {path}."))),
        }
    }

    fn reset(&self, session: &mut Session<'_>) -> Result<Value, Refusal> {
        let failed = |message: String| Refusal::new(500, message);
        self.service.databases().clear().map_err(failed)?;
        session
            .calls()
            .clear()
            .map_err(|error| failed(error.to_string()))?;
        let seed = session.origin().seed;
        let fleet = session.state().fleet.clone();
        // Who may do what is told when a simulator is started, so it outlives what happened since.
        let iam = session.state().iam.clone();
        let clock = crate::origin::restarted_clock(session.state().clock);
        let fresh = State::new(fleet, seed, clock, clock.now(Timestamp::now()));
        session.replace(State { iam, ..fresh });
        Ok(json!({}))
    }
}

impl Serve for Admin {
    fn serve(&self, request: &Request) -> Served {
        let (status, body) = match self.answer(request) {
            Ok(body) => (200, body),
            Err(refusal) => (refusal.status, json!({"message": refusal.message})),
        };
        Served::at_once(Answer::new(status, "application/json", body.to_string()))
    }

    fn is_held(&self, _hold: u64) -> bool {
        false
    }

    fn until_world(&self, _at: Timestamp) -> Option<Duration> {
        None
    }
}

fn read<T: DeserializeOwned>(request: &Request) -> Result<T, Refusal> {
    // By way of a value, because numbers are kept exact throughout the workspace; see the store's files.
    let body = if request.body.is_empty() {
        b"{}"
    } else {
        request.body.as_slice()
    };
    crate::store::files::from_json(body)
        .map_err(|error| Refusal::new(400, format!("The request body is wrong: {error}")))
}

fn clock_view(session: &mut Session<'_>) -> Value {
    let now = session.now;
    match session.state().clock {
        Clock::Manual { .. } => json!({"now": now, "manual": true}),
        Clock::Running { speed, .. } => {
            json!({"now": now, "manual": false, "speed": speed.factor()})
        }
    }
}

fn set_clock(session: &mut Session<'_>, command: ClockCommand) -> Result<Value, Refusal> {
    let now = session.now;
    let wall = Timestamp::now();
    let clock = session.state().clock;
    let moved = |world: Timestamp| match clock {
        Clock::Manual { .. } => Clock::Manual { world },
        Clock::Running { speed, .. } => Clock::Running { world, wall, speed },
    };
    let changed = match command {
        ClockCommand::Speed(factor) => {
            let speed = Speed::from_factor(factor).ok_or_else(|| {
                Refusal::new(
                    400,
                    format!("{factor} is not a speed; it must be from 0.001 to 1000000."),
                )
            })?;
            Clock::Running {
                world: now,
                wall,
                speed,
            }
        }
        ClockCommand::Manual(true) => Clock::Manual { world: now },
        ClockCommand::Manual(false) => match clock {
            Clock::Running { .. } => clock,
            Clock::Manual { .. } => Clock::Running {
                world: now,
                wall,
                speed: Speed::REAL,
            },
        },
        ClockCommand::Set(world) if world >= now => moved(world),
        ClockCommand::Set(_) => return Err(backwards(now)),
        ClockCommand::AdvanceSeconds(seconds) => {
            let by = SignedDuration::try_from_secs_f64(seconds).unwrap_or(SignedDuration::MIN);
            if by < SignedDuration::ZERO {
                return Err(backwards(now));
            }
            moved(after(now, by))
        }
    };
    session.change(Change::Clock(changed));
    session.now = session.state().now(wall);
    Ok(clock_view(session))
}

fn backwards(now: Timestamp) -> Refusal {
    Refusal::new(400, format!("It is {now}, and world time never goes back."))
}

fn export(session: &mut Session<'_>) -> Result<Value, Refusal> {
    let export = Export {
        format: FORMAT,
        at: session.now,
        state: session.state().clone(),
    };
    serde_json::to_value(export).map_err(|error| Refusal::new(500, error.to_string()))
}

/// Restores a state. World time goes on from when it was kept, whenever that was.
fn import(session: &mut Session<'_>, export: Export) -> Result<Value, Refusal> {
    if export.format > FORMAT {
        let format = export.format;
        return Err(Refusal::new(
            400,
            format!("This state has format {format}, and this version reads up to {FORMAT}."),
        ));
    }
    let mut state = export.state;
    let wall = Timestamp::now();
    if let Clock::Running { speed, .. } = state.clock {
        let world = export.at;
        state.clock = Clock::Running { world, wall, speed };
    }
    session.replace(state);
    session.now = session.state().now(wall);
    Ok(clock_view(session))
}

fn holds(session: &mut Session<'_>) -> Vec<Value> {
    let held = session.state().holds.iter();
    held.map(|(id, held)| {
        json!({"id": id, "region": held.region, "operation": held.operation, "at": held.at})
    })
    .collect()
}

fn release(session: &mut Session<'_>, release: &Release) -> Result<Value, Refusal> {
    if let Some(id) = release
        .id
        .filter(|id| !session.state().holds.contains_key(id))
    {
        return Err(Refusal::new(404, format!("There is no hold {id}.")));
    }
    session.change(Change::Release { id: release.id });
    Ok(json!({}))
}

fn counts(session: &Session<'_>) -> Result<Value, Refusal> {
    let counts = session.calls().read();
    let counts = counts.map_err(|error| Refusal::new(500, error.to_string()))?;
    Ok(json!({"counts": counts}))
}

fn callers(session: &Session<'_>) -> Result<Value, Refusal> {
    let callers = session.calls().read_by_caller();
    let callers = callers.map_err(|error| Refusal::new(500, error.to_string()))?;
    Ok(json!({"callers": callers}))
}

fn command(session: &mut Session<'_>, command: AdminCommand) -> Result<Value, Refusal> {
    if !command.is_mutating() {
        return Ok(session.state().world.inspect(&command));
    }
    match session.change(Change::Admin(command)) {
        Outcome::Admin(result) => result.map_err(|error| Refusal::new(400, error.to_string())),
        _ => unreachable!("a command gives its result"),
    }
}
