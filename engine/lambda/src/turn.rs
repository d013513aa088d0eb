//! A turn for a state machine, and the keeping of a token.
//!
//! The engine drives; here is what only Lambda knows: when the call ends, under which id it runs, and what becomes of what
//! is to be told. A second task says that the owner lives while a call takes long, as every driver of ours does.

use std::convert::Infallible;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use drs_engine::asl::{self, Answer, Ask, Asked};
use drs_engine::drive::hosted::{Held, Rest};
use drs_engine::drive::{Driver, Watch};
use drs_engine::event::{Author, Event, Recorded};
use drs_engine::ids::OwnerId;
use drs_engine::limits;
use drs_engine::ports::CallError;
use drs_engine::state::State;
use drs_engine::store::machine::{Token, TurnLease};
use drs_engine_aws::{AwsDrs, DynamoItems, Session, SystemClock};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::configuration::Configuration;
use crate::event::asked;
use crate::log::{Level, Log};
use crate::metrics::Metrics;
use crate::trouble::Trouble;

type OwnDriver = Driver<AwsDrs, DynamoItems, SystemClock>;

/// What Lambda says about a call.
pub(crate) struct Called {
    /// Its id, which no other call has.
    pub(crate) request_id: String,
    /// When Lambda ends it, in milliseconds since 1970.
    pub(crate) deadline: i64,
}

/// Answers what a state machine asks.
pub(crate) async fn answer(
    session: &Session,
    configuration: &Configuration,
    ask: &Ask,
    called: &Called,
    log: &Log,
) -> Result<Value, Trouble> {
    let from = asked(ask);
    let log = log.with("execution_id", from.execution_id.as_str());
    let mode = check(session, configuration, from).await?;
    let driver = driver(session, from);
    match ask {
        Ask::Turn(_) => {
            let began = Instant::now();
            let answer = turn(&driver, from, called, &log, session.environment(), mode).await?;
            let took = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
            let fields = json!({"answer": answer, "milliseconds": took});
            log.line(Level::Info, "turn", fields);
            Ok(json!(answer))
        }
        Ask::Pause { seq, token, .. } => pause(session, &driver, from, *seq, token, &log).await,
    }
}

/// Refuses an execution that is not there, and one of a mode that this function is not for. Nothing was written.
async fn check(
    session: &Session,
    configuration: &Configuration,
    from: &Asked,
) -> Result<&'static str, Trouble> {
    let summary = session.executions().summary(&from.execution_id).await;
    let summary = summary
        .map_err(|error| Trouble::of(&drs_engine::drive::DriveError::History(error.into())))?;
    let Some(summary) = summary else {
        return Err(Trouble::refused(
            "execution",
            format!(
                "there is no execution {} in the tables of environment {}; DRS_ENVIRONMENT of the function names another \
                 environment than the one that it was started in",
                from.execution_id,
                session.environment()
            ),
        ));
    };
    if !configuration.allows(summary.mode) {
        return Err(Trouble::refused(
            "mode",
            format!(
                "execution {} is a {}, and DRS_ALLOWED_MODES of this function does not have that; nothing was launched",
                from.execution_id,
                summary.mode.as_str()
            ),
        ));
    }
    Ok(summary.mode.as_str())
}

fn driver(session: &Session, from: &Asked) -> OwnDriver {
    let run = asl::run_arn(&from.state_machine, &from.run);
    let host = run.unwrap_or_else(|| from.state_machine.clone());
    let mut driver = session.driver(host);
    driver.owner = asl::owner_of(&from.run);
    driver
}

async fn turn(
    driver: &OwnDriver,
    from: &Asked,
    called: &Called,
    log: &Log,
    environment: &str,
    mode: &str,
) -> Result<Answer, Trouble> {
    let until = Timestamp::from_millisecond(called.deadline);
    let lease = TurnLease {
        owner: driver.owner.clone(),
        invocation: called.request_id.clone(),
        until: until.unwrap_or(Timestamp::MAX),
    };
    let watching = Watching {
        began: Instant::now(),
        owner: driver.owner.clone(),
        log: log.clone(),
        metrics: Mutex::default(),
    };
    let made = tokio::select! {
        made = driver.turn_for_machine(&from.execution_id, &lease, &watching) => made,
        never = stay_alive(driver, from, log) => match never {},
    };
    watching.metrics().tell(environment, mode);
    let (_, rest) = made.map_err(|error| Trouble::of(&error))?;
    Ok(match rest {
        Rest::Over => Answer::Done,
        Rest::For(span) | Rest::Taken(span) => Answer::wait(span),
        Rest::Paused { seq } => Answer::Pause { seq },
    })
}

/// Says that this owner lives, until the turn that it goes with has ended.
async fn stay_alive(driver: &OwnDriver, from: &Asked, log: &Log) -> Infallible {
    loop {
        tokio::time::sleep(limits::HEARTBEAT_INTERVAL.unsigned_abs()).await;
        if let Err(error) = driver.keep_alive(&from.execution_id).await {
            log.line(
                Level::Warning,
                "no sign of life could be given",
                json!({"error": error.to_string()}),
            );
        }
    }
}

/// Keeps the token, or gives it back at once when the pause is over already.
async fn pause(
    session: &Session,
    driver: &OwnDriver,
    from: &Asked,
    seq: u64,
    token: &str,
    log: &Log,
) -> Result<Value, Trouble> {
    let kept = Token {
        owner: driver.owner.clone(),
        state_machine: from.state_machine.clone(),
        token: token.to_owned(),
    };
    let held = driver
        .hold_for_machine(&from.execution_id, &kept, seq)
        .await;
    match held.map_err(|error| Trouble::of(&error))? {
        Held::Waiting => log.line(Level::Info, "paused", json!({"events": seq})),
        Held::GoOn => {
            // A machine that could not be woken looks for itself when its wait is over.
            let machines = session.state_machines();
            let woken = machines.wake(&from.state_machine, token).await;
            let woken = woken.map_err(|error| Trouble::of_call(&error))?;
            log.line(
                Level::Info,
                "not paused any more",
                json!({"woken": format!("{woken:?}")}),
            );
        }
    }
    Ok(json!({}))
}

/// Watches a turn: stops it when its time is up, and tells what happens.
struct Watching {
    began: Instant,
    owner: OwnerId,
    log: Log,
    metrics: Mutex<Metrics>,
}

impl Watching {
    fn metrics(&self) -> std::sync::MutexGuard<'_, Metrics> {
        self.metrics.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watch for Watching {
    type Critical = ();

    fn is_stopped(&self) -> bool {
        self.began.elapsed() >= limits::TURN_BUDGET.unsigned_abs()
    }

    fn on_event(&self, state: &State, recorded: &Recorded) {
        if recorded.author != Author::Owner(self.owner.clone()) {
            return;
        }
        self.metrics().take(state, recorded);
        let wave = wave_of(&recorded.event).and_then(|wave| state.waves.get(wave));
        self.log.line(
            Level::Info,
            "event",
            json!({
                "sequence": recorded.seq,
                "event": recorded.event,
                "wave": wave.map(|wave| &wave.frozen.name),
                "status": state.status.as_str(),
            }),
        );
    }

    fn on_trouble(&self, error: &CallError) {
        let fields = json!({"call": error.call, "code": error.code, "error": error.to_string()});
        self.log.line(Level::Warning, "trouble", fields);
    }

    fn on_look(&self, targets: usize) {
        self.metrics().count("PollCalls", targets);
    }

    async fn critical(&self) -> Self::Critical {}
}

/// The wave that an event is about, where it names one.
fn wave_of(event: &Event) -> Option<usize> {
    match event {
        Event::WaveReady { wave }
        | Event::WaveStarted { wave }
        | Event::WaveTimedOut { wave }
        | Event::WaveFinished { wave, .. }
        | Event::WavePaused { wave, .. }
        | Event::ServersRetried { wave, .. }
        | Event::ServersChecked { wave, .. }
        | Event::GuardTripped { wave, .. }
        | Event::GuardUnreadable { wave, .. }
        | Event::GuardForced { wave, .. }
        | Event::DrillGuardTripped { wave, .. } => Some(*wave),
        Event::LaunchIntended(intent) => Some(intent.wave),
        _ => None,
    }
}
