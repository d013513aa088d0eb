//! Fleets, and who may do what in them, as YAML files.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use drs_engine::digest;
use drs_engine::sim::fleet::{Fleet, Problem};
use drs_engine::sim::iam::Iam;
use thiserror::Error;

/// Longest fleet that is read. One of 4,000 servers takes 1 MiB.
const FLEET_BOUND_BYTES: u64 = 16 * 1024 * 1024;

/// Why a file cannot be used.
#[derive(Debug, Error)]
pub enum FleetError {
    /// It cannot be read.
    #[error("cannot read {what} {}: {source}", path.display())]
    Read {
        /// What is in it, e.g. `the fleet`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is longer than any fleet.
    #[error("{what} {} is longer than {} MiB", path.display(), FLEET_BOUND_BYTES / 1024 / 1024)]
    TooLong {
        /// What is in it.
        what: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// It is not YAML, or has a wrong shape. The reason has the line and the path.
    #[error("{}: {reason}", path.display())]
    Shape {
        /// The file.
        path: PathBuf,
        /// What is wrong and where.
        reason: String,
    },
    /// It has the right shape, and things in it that make no sense.
    #[error("{}:{}", path.display(), listed(problems))]
    Problems {
        /// The file.
        path: PathBuf,
        /// All of them.
        problems: Vec<Problem>,
    },
}

/// The fleet that a new world begins with, and a digest by which it is known again.
pub(crate) struct Chosen {
    pub(crate) fleet: Fleet,
    pub(crate) digest: String,
}

impl Chosen {
    /// The fleet of a world that was given none.
    pub(crate) fn built_in() -> Self {
        Self {
            fleet: Fleet::built_in(),
            digest: "built-in".to_owned(),
        }
    }

    /// The fleet in a file. Its digest is of what the file says, not of what that means: so comments do not count, and a
    /// later version, with more settings to leave out, knows the same file again.
    pub(crate) fn read(path: &Path) -> Result<Self, FleetError> {
        let text = read_text("the fleet", path)?;
        let fleet = check(path, &text)?;
        let said: serde_norway::Value = serde_norway::from_str(&text).map_err(wrong_shape(path))?;
        Ok(Self {
            fleet,
            digest: digest::of(&said),
        })
    }
}

/// Who may do what in the world of a fleet.
pub(crate) fn read_iam(path: &Path, fleet: &Fleet) -> Result<Iam, FleetError> {
    let text = read_text("the policies", path)?;
    let iam: Iam = serde_norway::from_str(&text).map_err(wrong_shape(path))?;
    let accounts = fleet.accounts.iter().map(|account| account.id.as_str());
    let problems = iam.problems(&accounts.collect());
    if problems.is_empty() {
        return Ok(iam);
    }
    Err(FleetError::Problems {
        path: path.to_owned(),
        problems,
    })
}

fn wrong_shape(path: &Path) -> impl FnOnce(serde_norway::Error) -> FleetError + use<> {
    let path = path.to_owned();
    move |error| FleetError::Shape {
        path,
        reason: error.to_string(),
    }
}

fn check(path: &Path, text: &str) -> Result<Fleet, FleetError> {
    let fleet: Fleet = serde_norway::from_str(text).map_err(wrong_shape(path))?;
    let problems = fleet.problems();
    if problems.is_empty() {
        return Ok(fleet);
    }
    Err(FleetError::Problems {
        path: path.to_owned(),
        problems,
    })
}

fn read_text(what: &'static str, path: &Path) -> Result<String, FleetError> {
    let unreadable = |source| FleetError::Read {
        what,
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(unreadable)?;
    let mut text = String::new();
    let length = file
        .take(FLEET_BOUND_BYTES + 1)
        .read_to_string(&mut text)
        .map_err(unreadable)?;
    if length as u64 > FLEET_BOUND_BYTES {
        return Err(FleetError::TooLong {
            what,
            path: path.to_owned(),
        });
    }
    Ok(text)
}

fn listed(problems: &[Problem]) -> String {
    problems
        .iter()
        .map(|problem| format!("\n  {problem}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::Folder;

    fn refusal(path: &Path) -> String {
        Chosen::read(path)
            .err()
            .expect("the fleet is refused")
            .to_string()
    }

    fn refused(text: &str) -> String {
        let folder = Folder::new();
        let path = folder.path().join("fleet.yaml");
        std::fs::write(&path, text).unwrap();
        let message = refusal(&path);
        message.replace(&format!("{}", path.display()), "fleet.yaml")
    }

    #[test]
    fn a_fleet_is_read() {
        let folder = Folder::new();
        let path = folder.path().join("fleet.yaml");
        let text = "accounts:\n- id: 111122223333\n  regions:\n  - name: eu-west-1\n    servers:\n    - hostname: a\n\
            \x20     tags: {Tier: db}\n      timings: {launch: [1.5, 2]}\n      faults:\n      - phase: launch\n";
        std::fs::write(&path, text).unwrap();
        let fleet = Chosen::read(&path).unwrap().fleet;
        assert_eq!(fleet.accounts[0].regions[0].servers[0].hostname, "a");
    }

    #[test]
    fn comments_do_not_make_another_fleet() {
        let folder = Folder::new();
        let digest = |text: &str| {
            let path = folder.path().join("fleet.yaml");
            std::fs::write(&path, text).unwrap();
            Chosen::read(&path).unwrap().digest
        };
        let one = digest("accounts:\n- id: '111122223333'\n");
        assert_eq!(one, digest("# mine\naccounts: [{id: \"111122223333\"}]"));
        assert_ne!(one, digest("accounts: [{id: '111122223334'}]"));
    }

    #[test]
    fn the_examples_are_fleets() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/fleets");
        let mut count = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if let Err(error) = Chosen::read(&path) {
                panic!("{error}");
            }
            count += 1;
        }
        assert!(count > 0);
    }

    #[test]
    fn what_is_wrong_names_file_and_line_or_path() {
        let misspelt = refused("accounts:\n- id: '111122223333'\n  regoins: []\n");
        assert_eq!(
            misspelt,
            "fleet.yaml: accounts[0]: unknown field `regoins`, expected one of `id`, `external_id`, `regions` at line \
             3 column 3"
        );
        let broken = refused("accounts: [\n");
        assert!(
            broken.starts_with("fleet.yaml: ") && broken.contains("line 2"),
            "{broken}"
        );
        let senseless = refused(
            "accounts:\n- id: '12'\n  regions:\n  - name: eu-west-1\n    servers:\n    - \
             {hostname: a, replication_state: FINE}\n",
        );
        assert!(senseless.contains("\n  accounts[0].id: "), "{senseless}");
        assert!(
            senseless.contains("\n  accounts[0].regions[0].servers[0].replication_state: "),
            "{senseless}"
        );
    }

    #[test]
    fn the_example_of_policies_makes_sense() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/iam/simulator.yaml");
        let iam = read_iam(&path, &Fleet::built_in()).unwrap();
        assert_eq!(iam.principals.len(), 2);
    }

    #[test]
    fn policies_are_read_and_what_is_wrong_with_them_is_named() {
        let folder = Folder::new();
        let path = folder.path().join("iam.yaml");
        let read = |text: &str| {
            std::fs::write(&path, text).unwrap();
            let read = read_iam(&path, &Fleet::built_in()).map(|iam| iam.principals.len());
            read.map_err(|error| {
                error
                    .to_string()
                    .replace(&format!("{}", path.display()), "iam.yaml")
            })
        };
        let good = "principals:\n- arn: arn:aws:iam::111122223333:role/drs\n  policies:\n  - Version: '2012-10-17'\n\
            \x20   Statement: {Effect: Allow, Action: 'drs:*', Resource: '*'}\n";
        assert_eq!(read(good), Ok(1));
        let wrong = good
            .replace("Resource: '*'", "Resource: servers")
            .replace("111122223333", "111122223334");
        assert_eq!(
            read(&wrong).unwrap_err(),
            "iam.yaml:\n  iam.principals[0].arn: the world has no account 111122223334\n  \
             iam.principals[0].policies[0].Statement[0].Resource: `servers` is neither * nor an ARN of six parts"
        );
        let misspelt = read("principles: []").unwrap_err();
        assert!(
            misspelt.starts_with("iam.yaml: unknown field `principles`"),
            "{misspelt}"
        );
    }

    #[test]
    fn a_missing_file_is_named() {
        let message = refusal(Path::new("/nowhere/fleet.yaml"));
        assert!(
            message.starts_with("cannot read the fleet /nowhere/fleet.yaml: "),
            "{message}"
        );
    }
}
