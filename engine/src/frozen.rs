//! The servers of an execution, resolved and frozen when it starts.
//!
//! They are too many for one item or event, so they are stored per wave beside the events, and the first event commits
//! their digest.

use serde::{Deserialize, Serialize};

use crate::digest;
use crate::ids::{GroupId, ServerId, Target};
use crate::point::Point;

/// Who takes part in an execution, wave by wave in launch order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frozen {
    /// The servers of each wave of the plan, in the plan's order of waves.
    pub waves: Vec<Vec<FrozenServer>>,
}

/// One server as it was when the execution started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrozenServer {
    /// The source server.
    pub id: ServerId,
    /// Its host name then.
    pub hostname: String,
    /// The group that brought it in.
    pub group: GroupId,
    /// Where it lives.
    pub target: Target,
    /// Whether its failure fails its wave, where the wave's policy goes by critical servers.
    #[serde(default, skip_serializing_if = "is_false")]
    pub critical: bool,
    /// Whether it runs Windows, which takes longer to boot.
    #[serde(default, skip_serializing_if = "is_false")]
    pub windows: bool,
    /// The recovery point that it is launched from, each time; none means its newest state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<Point>,
}

impl Frozen {
    /// The digest that the first event commits.
    pub fn digest(&self) -> String {
        digest::of(self)
    }

    /// Every server with the position of its wave.
    pub fn servers(&self) -> impl Iterator<Item = (usize, &FrozenServer)> {
        self.waves
            .iter()
            .enumerate()
            .flat_map(|(wave, servers)| servers.iter().map(move |server| (wave, server)))
    }
}

// Serde hands over a reference.
#[expect(clippy::trivially_copy_pass_by_ref)]
fn is_false(flag: &bool) -> bool {
    !flag
}
