//! The keys of every item, in one place. They are stored, so they never change.

use crate::ids::{ExecutionId, GroupId, PlanId, ServerId, Target};

use super::items::{Key, Table};

/// The item of a group.
pub(crate) fn group(id: &GroupId) -> Key {
    Key {
        table: Table::ProtectionGroups,
        partition: id.to_string(),
        sort: None,
    }
}

/// The claim of a group's name, without regard to case.
pub(crate) fn group_name(name: &str) -> Key {
    Key {
        table: Table::ProtectionGroups,
        partition: format!("claim#name#{}", name.to_lowercase()),
        sort: None,
    }
}

/// The claim of a server for a group that lists it.
pub(crate) fn group_server(target: &Target, server: &ServerId) -> Key {
    let partition = format!(
        "claim#server#{}#{}#{server}",
        target.account_id, target.region
    );
    Key {
        table: Table::ProtectionGroups,
        partition,
        sort: None,
    }
}

/// The target of an account.
pub(crate) fn target_account(account_id: &str) -> Key {
    Key {
        table: Table::ProtectionGroups,
        partition: format!("target#{account_id}"),
        sort: None,
    }
}

/// The item of a plan.
pub(crate) fn plan(id: &PlanId) -> Key {
    Key {
        table: Table::RecoveryPlans,
        partition: id.to_string(),
        sort: None,
    }
}

/// The claim of a plan's name, without regard to case.
pub(crate) fn plan_name(name: &str) -> Key {
    Key {
        table: Table::RecoveryPlans,
        partition: format!("claim#name#{}", name.to_lowercase()),
        sort: None,
    }
}

/// The lease of a server for an execution.
pub(crate) fn lease(target: &Target, server: &ServerId) -> Key {
    let partition = format!("lease#{}#{}#{server}", target.account_id, target.region);
    Key {
        table: Table::ExecutionHistory,
        partition,
        sort: Some("lease".to_owned()),
    }
}

/// The summary of an execution.
pub(crate) fn summary(id: &ExecutionId) -> Key {
    history(id, "summary".to_owned())
}

/// The sign of life of an execution's owner.
pub(crate) fn owner(id: &ExecutionId) -> Key {
    history(id, "owner".to_owned())
}

/// The turn that a state machine makes for an execution.
pub(crate) fn turn(id: &ExecutionId) -> Key {
    history(id, "turn".to_owned())
}

/// The token by which a state machine is woken from a pause of an execution.
pub(crate) fn token(id: &ExecutionId) -> Key {
    history(id, "token".to_owned())
}

/// What a sweep finds an execution by.
pub(crate) fn sweep(id: &ExecutionId) -> Key {
    history(id, "sweep".to_owned())
}

/// What tells in which targets an execution may have recovery instances.
pub(crate) fn footprint(id: &ExecutionId) -> Key {
    history(id, "footprint".to_owned())
}

/// What sort keys of events begin with.
pub(crate) const EVENT_PREFIX: &str = "event#";

/// An event. Twelve digits keep the order of texts the order of numbers.
pub(crate) fn event(id: &ExecutionId, seq: u64) -> Key {
    history(id, format!("{EVENT_PREFIX}{seq:012}"))
}

/// What sort keys of frozen servers begin with.
pub(crate) const FROZEN_PREFIX: &str = "frozen#";

/// A part of the frozen servers of a wave.
pub(crate) fn frozen(id: &ExecutionId, wave: usize, part: usize) -> Key {
    history(id, format!("{FROZEN_PREFIX}{wave:03}#{part:03}"))
}

/// What sort keys of waves begin with.
pub(crate) const WAVE_PREFIX: &str = "wave#";

/// A wave of an execution.
pub(crate) fn wave(id: &ExecutionId, wave: usize) -> Key {
    history(id, format!("{WAVE_PREFIX}{wave:03}"))
}

/// What sort keys of servers begin with.
pub(crate) const SERVER_PREFIX: &str = "server#";

/// A server of an execution.
pub(crate) fn server(id: &ExecutionId, server: &ServerId) -> Key {
    history(id, format!("{SERVER_PREFIX}{server}"))
}

fn history(id: &ExecutionId, sort: String) -> Key {
    Key {
        table: Table::ExecutionHistory,
        partition: id.to_string(),
        sort: Some(sort),
    }
}
