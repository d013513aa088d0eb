//! What the function is configured with, from its environment variables.
//!
//! Beside the variables of every program of ours (`DRS_ENVIRONMENT`, `DRS_HISTORY_REGION`, ...):
//!
//! - `DRS_FUNCTION`: `runner` or `sweeper`.
//! - `DRS_ALLOWED_MODES`: `DRILL`, `RECOVERY`, or both with a comma. A runner drives executions of no other mode, whoever
//!   asks. There is no default.
//! - `DRS_STATE_MACHINES`, of a runner: the ARNs of the state machines that may ask it, with commas.
//! - `DRS_RULE`, of a sweeper: the ARN of the rule of EventBridge that may call it.
//! - `DRS_DRILL_STATE_MACHINE` and `DRS_RECOVERY_STATE_MACHINE`, of a sweeper: what drives executions that nobody drives.
//!   Without one, executions of that mode are left alone and told.

use drs_engine::asl::arn_problem;
use drs_engine::event::Mode;
use drs_engine_aws::Settings;

/// What the function is configured with.
#[derive(Clone, Debug)]
pub(crate) struct Configuration {
    /// How it reaches AWS.
    pub(crate) settings: Settings,
    /// What it is for.
    pub(crate) role: Role,
    /// The modes of executions that it may do anything with.
    pub(crate) allowed_modes: Vec<Mode>,
}

/// What a function is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// To make turns.
    Runner {
        /// The state machines that may ask for them.
        state_machines: Vec<String>,
    },
    /// To sweep.
    Sweeper {
        /// The rule that may call it.
        rule: String,
        /// What drives drills that nobody drives.
        drill: Option<String>,
        /// What drives recoveries that nobody drives.
        recovery: Option<String>,
    },
}

impl Configuration {
    /// Reads the variables.
    pub(crate) fn from_variables(
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, String> {
        let settings = Settings::from_environment().map_err(|error| error.to_string())?;
        let set = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        let needed = |name: &str| set(name).ok_or_else(|| format!("{name} is not set"));
        let role = match needed("DRS_FUNCTION")?.as_str() {
            "runner" => Role::Runner {
                state_machines: machines("DRS_STATE_MACHINES", &needed("DRS_STATE_MACHINES")?)?,
            },
            "sweeper" => Role::Sweeper {
                rule: needed("DRS_RULE")?,
                drill: machine("DRS_DRILL_STATE_MACHINE", set("DRS_DRILL_STATE_MACHINE"))?,
                recovery: machine(
                    "DRS_RECOVERY_STATE_MACHINE",
                    set("DRS_RECOVERY_STATE_MACHINE"),
                )?,
            },
            other => {
                return Err(format!(
                    "DRS_FUNCTION is {other:?}: it must be runner or sweeper"
                ));
            }
        };
        Ok(Self {
            settings,
            role,
            allowed_modes: modes(&needed("DRS_ALLOWED_MODES")?)?,
        })
    }

    /// Whether the function may do anything with executions of this mode.
    pub(crate) fn allows(&self, mode: Mode) -> bool {
        self.allowed_modes.contains(&mode)
    }
}

impl Role {
    /// What drives executions of a mode that nobody drives.
    pub(crate) fn machine_for(&self, mode: Mode) -> Option<&str> {
        match (self, mode) {
            (Self::Runner { .. }, _) => None,
            (Self::Sweeper { drill, .. }, Mode::Drill) => drill.as_deref(),
            (Self::Sweeper { recovery, .. }, Mode::Recovery) => recovery.as_deref(),
        }
    }
}

fn modes(text: &str) -> Result<Vec<Mode>, String> {
    parts(text)
        .map(|word| match word {
            "DRILL" => Ok(Mode::Drill),
            "RECOVERY" => Ok(Mode::Recovery),
            other => Err(format!(
                "DRS_ALLOWED_MODES names {other:?}: the modes are DRILL and RECOVERY"
            )),
        })
        .collect()
}

fn machines(name: &str, text: &str) -> Result<Vec<String>, String> {
    let parts = parts(text).map(|arn| machine(name, Some(arn.to_owned())));
    Ok(parts
        .collect::<Result<Vec<_>, _>>()?
        .into_iter()
        .flatten()
        .collect())
}

fn machine(name: &str, arn: Option<String>) -> Result<Option<String>, String> {
    match arn.as_deref().and_then(arn_problem) {
        Some(problem) => Err(format!("{name}: {problem}")),
        None => Ok(arn),
    }
}

fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) const MACHINE: &str =
        "arn:aws:states:us-east-1:111122223333:stateMachine:drs-default-drill";
    pub(crate) const RULE: &str = "arn:aws:events:us-east-1:111122223333:rule/drs-default-sweep";

    pub(crate) fn of(variables: &[(&str, &str)]) -> Result<Configuration, String> {
        Configuration::from_variables(&|name| {
            let mut found = variables.iter().filter(|(other, _)| *other == name);
            found.next().map(|(_, value)| (*value).to_owned())
        })
    }

    pub(crate) fn runner() -> Configuration {
        of(&[
            ("DRS_FUNCTION", "runner"),
            ("DRS_ALLOWED_MODES", "DRILL"),
            ("DRS_STATE_MACHINES", MACHINE),
        ])
        .expect("it makes sense")
    }

    pub(crate) fn sweeper() -> Configuration {
        of(&[
            ("DRS_FUNCTION", "sweeper"),
            ("DRS_ALLOWED_MODES", "DRILL, RECOVERY"),
            ("DRS_RULE", RULE),
            ("DRS_DRILL_STATE_MACHINE", MACHINE),
        ])
        .expect("it makes sense")
    }

    #[test]
    fn a_function_is_one_of_two_things_for_certain_modes() {
        assert!(runner().allows(Mode::Drill));
        assert!(!runner().allows(Mode::Recovery));
        let sweeper = sweeper();
        assert!(sweeper.allows(Mode::Recovery));
        assert_eq!(sweeper.role.machine_for(Mode::Drill), Some(MACHINE));
        assert_eq!(sweeper.role.machine_for(Mode::Recovery), None);
    }

    #[test]
    fn every_mistake_is_named() {
        let runner = ("DRS_FUNCTION", "runner");
        let drill = ("DRS_ALLOWED_MODES", "DRILL");
        let mistakes = [
            of(&[]),
            of(&[("DRS_FUNCTION", "other")]),
            of(&[runner, drill]),
            of(&[runner, ("DRS_STATE_MACHINES", MACHINE)]),
            of(&[
                runner,
                ("DRS_STATE_MACHINES", MACHINE),
                ("DRS_ALLOWED_MODES", "drill"),
            ]),
            of(&[runner, drill, ("DRS_STATE_MACHINES", "drs-default-drill")]),
            of(&[("DRS_FUNCTION", "sweeper"), drill]),
        ];
        let texts: Vec<String> = mistakes
            .into_iter()
            .map(|mistake| mistake.expect_err("it is one"))
            .collect();
        insta::assert_snapshot!(texts.join("\n"));
    }
}
