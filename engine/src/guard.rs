//! What stands between a plan and its launches, by name: so that a history can say what could not be looked at.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Something that is looked at before anything is launched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Guard {
    /// Live recovery instances, which a launch would delete.
    LiveInstances,
    /// Leases of the servers to other executions.
    Leases,
    /// Another execution of the plan that runs.
    RunningExecution,
    /// The number of the plan's next run, which a confirmation names.
    RunNumber,
}

/// A guard that an execution was started without, because it could not be looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unchecked {
    /// The guard.
    pub guard: Guard,
    /// Why it could not be looked at.
    pub reason: String,
}

impl Guard {
    /// Every guard that lives in the tables, and is out of reach with them.
    pub const OF_TABLES: [Self; 3] = [Self::Leases, Self::RunningExecution, Self::RunNumber];

    /// What it says, where somebody must look for themselves.
    pub fn says(self) -> &'static str {
        match self {
            Self::LiveInstances => {
                "no live recovery instance of the servers exists, which a launch would delete"
            }
            Self::Leases => "no other execution that runs has a server of the plan",
            Self::RunningExecution => "no other execution of the plan runs",
            Self::RunNumber => "the plan was not run since its file was written",
        }
    }
}

impl fmt::Display for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LiveInstances => "live-instances",
            Self::Leases => "leases",
            Self::RunningExecution => "running-execution",
            Self::RunNumber => "run-number",
        })
    }
}
