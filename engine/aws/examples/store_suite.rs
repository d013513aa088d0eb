//! Puts the store at the configured endpoint through the suite that every item store must pass, and makes its tables first.
//!
//! `tests/store` runs it on an independent implementation of DynamoDB. It reads the environment as every command does
//! (`AWS_ENDPOINT_URL`, `AWS_REGION`, `DRS_ENVIRONMENT`); what does not hold is printed, one statement a line.

use std::error::Error;
use std::process::ExitCode;

use drs_engine::store::conformance::violations;
use drs_engine_aws::{Session, Settings, fresh};

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let settings = Settings {
        create_tables: true,
        ..Settings::from_environment()?
    };
    let session = Session::connect(&settings, None).await?;
    session.ensure_tables().await?;
    // Tables that are there are checked, not made again.
    session.ensure_tables().await?;
    let violations = violations(&session.items(), &fresh::id("mark")).await;
    for violation in &violations {
        println!("{violation}");
    }
    if violations.is_empty() {
        println!("every statement of the store suite holds");
        Ok(ExitCode::SUCCESS)
    } else {
        Ok(ExitCode::FAILURE)
    }
}
