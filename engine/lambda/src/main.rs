//! The AWS Lambda function (`provided.al2023`) that drives executions for a state machine, and the sweeper.
//!
//! One binary, two roles, of which a function has one:
//!
//! - **runner**: a state machine asks for a turn, or for a token to be kept ([`turn`]).
//! - **sweeper**: a rule of EventBridge asks it to look for drills over their lifetime and for executions that nobody
//!   drives, and it has a state machine drive them ([`sweep`]).
//!
//! Whatever comes in is checked first ([`event`]): what does not come from where the [`configuration`] says is refused,
//! which leaves a line of audit and does nothing. The function decides nothing about executions; the engine does.

use std::sync::Arc;

use drs_engine_aws::{Session, VERSION};
use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;
use tokio::sync::OnceCell;

mod configuration;
mod event;
mod log;
mod metrics;
mod sweep;
mod trouble;
mod turn;

use configuration::Configuration;
use event::Accepted;
use log::Log;
use trouble::Trouble;

/// What a function keeps from one call to the next.
struct Function {
    configuration: Result<Configuration, String>,
    session: OnceCell<Session>,
}

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    // Asked by whoever packages it; Lambda starts it without arguments.
    if std::env::args().nth(1).as_deref() == Some("version") {
        println!("drs-engine-lambda {VERSION}");
        return Ok(());
    }
    let variable = |name: &str| std::env::var(name).ok();
    let function = Arc::new(Function {
        configuration: Configuration::from_variables(&variable),
        session: OnceCell::new(),
    });
    lambda_runtime::run(service_fn(move |call: LambdaEvent<Value>| {
        let function = Arc::clone(&function);
        async move { function.answer(call).await }
    }))
    .await
}

impl Function {
    /// Answers one call. What goes wrong is told by a line of the log, and by an error whose name the machine knows.
    async fn answer(&self, call: LambdaEvent<Value>) -> Result<Value, Trouble> {
        let log = Log::new(&call.context.request_id);
        let answered = self.serve(&call, &log).await;
        if let Err(trouble) = &answered {
            trouble.tell(&log);
        }
        answered
    }

    async fn serve(&self, call: &LambdaEvent<Value>, log: &Log) -> Result<Value, Trouble> {
        let configuration = self.configuration.as_ref();
        let configuration =
            configuration.map_err(|problem| Trouble::refused("configuration", problem))?;
        match event::accept(&call.payload, configuration)? {
            Accepted::Ask(ask) => {
                let session = self.session(configuration).await?;
                let called = turn::Called {
                    request_id: call.context.request_id.clone(),
                    deadline: i64::try_from(call.context.deadline).unwrap_or(i64::MAX),
                };
                turn::answer(session, configuration, &ask, &called, log).await
            }
            Accepted::Sweep => {
                let session = self.session(configuration).await?;
                sweep::sweep(session, configuration, log).await
            }
        }
    }

    /// The session, which is made at the first call and kept.
    async fn session(&self, configuration: &Configuration) -> Result<&Session, Trouble> {
        let connect = || Session::connect(&configuration.settings, None);
        self.session
            .get_or_try_init(connect)
            .await
            .map_err(|error| {
                // Credentials of the function's role come late now and then; nothing else of this passes by itself, and
                // asking again does no harm.
                Trouble::busy(error.to_string())
            })
    }
}
