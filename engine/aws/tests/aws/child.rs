//! Connecting in a process of its own, whose environment is only what a test says.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use drs_engine_aws::{Session, Settings, fresh};
use tokio::process::Command;

/// What a child said.
#[derive(Debug)]
pub(crate) struct Said {
    /// Its result: `connected: ...` or `failed: ...`.
    pub(crate) result: String,
    /// Everything it printed and logged.
    pub(crate) everything: String,
}

/// The other half of tests that need an environment of their own. They start it; it tests nothing by itself.
#[tokio::test]
#[ignore = "started by other tests, as a child process with an environment of its own"]
async fn probe() {
    tracing_subscriber::fmt()
        .with_env_filter("debug")
        .with_writer(std::io::stderr)
        .init();
    let settings = Settings::from_environment().unwrap();
    match Session::connect(&settings, None).await {
        Ok(session) => println!(
            "\nRESULT connected: {} {} {}",
            session.identity().account_id,
            session.identity().arn,
            session.region()
        ),
        Err(error) => {
            let said: Vec<&str> = [
                (error.is_settings(), "settings"),
                (error.is_missing_region(), "region"),
                (error.is_profile(), "profile"),
                (error.is_missing_credentials(), "missing"),
                (error.is_expired_credentials(), "expired"),
                (error.is_refused_credentials(), "refused"),
                (error.is_assume_role(), "role"),
                (error.is_account(), "account"),
                (error.is_unreachable(), "unreachable"),
            ]
            .into_iter()
            .filter_map(|(is, word)| is.then_some(word))
            .collect();
            println!("\nRESULT failed: [{}] {error}", said.join(" "));
        }
    }
}

/// A home directory that goes with the test.
pub(crate) struct Home(PathBuf);

impl Home {
    pub(crate) fn new() -> Self {
        let path = std::env::temp_dir().join(fresh::id("drs-home"));
        std::fs::create_dir_all(path.join(".aws/sso/cache")).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file and returns its path.
    pub(crate) fn file(&self, name: &str, content: &str) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Connects in a child process with this environment, and no other.
pub(crate) async fn connect(home: &Home, environment: &[(&str, &str)]) -> Said {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child::probe", "--ignored", "--nocapture"])
        .env_clear()
        .env("HOME", home.path())
        .env("PATH", std::env::var("PATH").unwrap())
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .envs(environment.iter().copied())
        .current_dir(home.path())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let everything = format!("{stdout}{}", String::from_utf8(output.stderr).unwrap());
    let result = stdout
        .lines()
        .find_map(|line| line.strip_prefix("RESULT "))
        .unwrap_or_else(|| panic!("the child gave no result:\n{everything}"))
        .to_owned();
    Said { result, everything }
}
