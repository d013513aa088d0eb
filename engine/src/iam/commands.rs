//! What operators may do, by our commands: who may run which.

use super::Principal;

/// What a command does to what others rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rights {
    /// It looks.
    Look,
    /// It writes groups and plans.
    Define,
    /// It asks something of an execution that somebody drives, or starts, drives and ends drills.
    Drill,
    /// It starts a recovery.
    Recover,
    /// It changes what everything else stands on: targets, tables, history.
    SetUp,
}

/// Something that people run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Command {
    /// How it is typed, or what is written in HCL.
    pub name: &'static str,
    /// What it does.
    pub rights: Rights,
}

impl Principal {
    /// Whether one of the five roles may do something; everybody else is no person and has no commands.
    pub fn may(self, rights: Rights) -> bool {
        match self {
            Self::ReadOnly => rights == Rights::Look,
            Self::PlanManager => rights <= Rights::Define,
            Self::Operator => matches!(rights, Rights::Look | Rights::Drill),
            Self::RecoveryManager => {
                matches!(rights, Rights::Look | Rights::Drill | Rights::Recover)
            }
            Self::Admin => true,
            _ => false,
        }
    }
}

const fn command(name: &'static str, rights: Rights) -> Command {
    Command { name, rights }
}

/// Every command of drsctl, and every resource and action of the provider.
pub const COMMANDS: &[Command] = &[
    command("drsctl list", Rights::Look),
    command("drsctl show", Rights::Look),
    command("drsctl watch", Rights::Look),
    command("drsctl export", Rights::Look),
    command("drsctl logs", Rights::Look),
    command("drsctl plan", Rights::Look),
    command("drsctl points", Rights::Look),
    command("drsctl preflight", Rights::Look),
    command("drsctl quotas", Rights::Look),
    command("drsctl policy", Rights::Look),
    command("drsctl state-machine", Rights::Look),
    command("drsctl simulator", Rights::Look),
    command("drsctl version", Rights::Look),
    command("drsctl tables check", Rights::Look),
    command("drsctl target list", Rights::Look),
    command("drsctl target show", Rights::Look),
    command("terraform plan", Rights::Look),
    command("drs_protection_group", Rights::Define),
    command("drs_recovery_plan", Rights::Define),
    command("drs_drill_execution", Rights::Drill),
    command("drs_start_drill", Rights::Drill),
    command("drs_pause, drs_resume, drs_cancel", Rights::Drill),
    command("drs_retry_wave, drs_skip_wave", Rights::Drill),
    command("drs_terminate_recovery_instances", Rights::Drill),
    command("drsctl start", Rights::Drill),
    command("drsctl run", Rights::Drill),
    command("drsctl pause", Rights::Drill),
    command("drsctl resume", Rights::Drill),
    command("drsctl retry", Rights::Drill),
    command("drsctl skip", Rights::Drill),
    command("drsctl cancel", Rights::Drill),
    command("drsctl terminate", Rights::Drill),
    command("drsctl sweep", Rights::Drill),
    command("drsctl target check", Rights::Drill),
    command("drs_start_failover", Rights::Recover),
    command("drsctl failover", Rights::Recover),
    command("drs_target_account", Rights::SetUp),
    command("drsctl target add", Rights::SetUp),
    command("drsctl target remove", Rights::SetUp),
    command("drsctl delete", Rights::SetUp),
    command("drsctl history import", Rights::SetUp),
    command("drsctl tables create", Rights::SetUp),
];
