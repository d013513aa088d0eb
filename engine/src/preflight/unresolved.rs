//! Findings of a plan that cannot be resolved: there is nothing else to look at then.

use crate::ids::PlanId;
use crate::resolve::ResolveError;

use super::{Finding, Level, commands, text};

/// What keeps a plan from being resolved.
pub(crate) fn finding(plan: &PlanId, error: &ResolveError) -> Finding {
    use ResolveError as E;

    let found = Finding::new(check(error), Level::Problem, text::resolve(error));
    let shown = commands::plan(plan);
    match error {
        E::Call { target, error } => found.at(target).help(commands::after(target, error)),
        E::Read(_) => found.help(commands::tables()),
        E::PlanMissing(_) => found.help(commands::plans()),
        E::Plan(_) | E::Part(_) => found.help(shown),
        E::GroupMissing { at, .. } => found.in_waves([&at.wave_name]).help(shown),
        E::GroupEmpty { at, target, .. } => {
            let found = found.in_waves([&at.wave_name]).at(target);
            found.help(commands::all_servers(target))
        }
        E::ServerUnknown { at, server, target } => {
            let found = found.in_waves([&at.wave_name]).at(target);
            let found = found.of_named([(server.clone(), None)]);
            found.help(commands::all_servers(target))
        }
        E::ServerElsewhere {
            at, server, home, ..
        } => {
            let found = found.in_waves([&at.wave_name]).at(home);
            let found = found.of_named([(server.clone(), None)]);
            found.help(commands::servers(home, [server]))
        }
        E::ServerNotInGroups {
            wave_name, server, ..
        }
        | E::CriticalNotInWave {
            wave_name, server, ..
        } => {
            let found = found.in_waves([wave_name]).help(shown);
            found.of_named([(server.clone(), None)])
        }
        E::ServersTwice {
            first,
            again,
            servers,
        } => {
            let found = found.in_waves([&first.wave_name, &again.wave_name]);
            let servers = servers.iter().cloned();
            let servers = servers.map(|(id, hostname)| (id, Some(hostname)));
            found.of_named(servers).help(shown)
        }
        E::WaveTooLarge {
            wave_name, target, ..
        } => {
            let found = found.in_waves([wave_name]).at(target);
            found.help(commands::drs_quotas())
        }
        E::PlanTooLarge { target, .. } => found.at(target).help(commands::drs_quotas()),
    }
}

fn check(error: &ResolveError) -> &'static str {
    match error {
        ResolveError::Call { .. } => "permissions",
        ResolveError::Read(_) => "history",
        ResolveError::PlanMissing(_) | ResolveError::Plan(_) => "plan",
        ResolveError::Part(_) => "selection",
        _ => "servers",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{ServerId, Target};
    use crate::ports::{CallError, Kind};
    use crate::resolve::Place;
    use crate::store::codec::ReadError;
    use crate::store::group::Selection;

    fn call() -> CallError {
        CallError {
            kind: Kind::Refused,
            call: "drs:DescribeSourceServers",
            code: "AccessDeniedException".to_owned(),
            message: "no".to_owned(),
            retry_after: None,
        }
    }

    /// One of every kind, but for those that the plan of another test has.
    fn every_kind() -> Vec<ResolveError> {
        use ResolveError as E;

        let (wave, server) = (0, ServerId::new("s-1"));
        let (wave_name, target) = ("web".to_owned(), crate::testing::target());
        let at = |wave: &str| Place {
            wave: 0,
            wave_name: wave.to_owned(),
            group: 0,
            group_name: "all".to_owned(),
        };
        let home = Target {
            region: "eu-west-1".to_owned(),
            ..target.clone()
        };
        vec![
            E::Call {
                target: target.clone(),
                error: call(),
            },
            E::Read(ReadError::Call(call())),
            E::PlanMissing(PlanId::new("p-1")),
            E::Part("the plan has no wave \"db\"".to_owned()),
            E::GroupEmpty {
                at: at("web"),
                selection: Selection::Servers(Vec::new()),
                target: target.clone(),
            },
            E::ServerUnknown {
                at: at("web"),
                server: server.clone(),
                target: target.clone(),
            },
            E::ServerElsewhere {
                at: at("web"),
                server: server.clone(),
                home,
                target: target.clone(),
            },
            E::ServerNotInGroups {
                wave,
                wave_name: wave_name.clone(),
                position: 0,
                server: server.clone(),
            },
            E::CriticalNotInWave {
                wave,
                wave_name: wave_name.clone(),
                position: 0,
                server: server.clone(),
            },
            E::ServersTwice {
                first: at("database"),
                again: at("web"),
                servers: vec![(server, "web-1".to_owned())],
            },
            E::WaveTooLarge {
                wave,
                wave_name,
                target: target.clone(),
                have: 501,
                quota: 500,
            },
            E::PlanTooLarge {
                target,
                have: 4_001,
            },
        ]
    }

    #[test]
    fn every_kind_says_what_it_is_about_and_what_helps() {
        let plan = PlanId::new("p-1");
        let kinds = every_kind();
        let lines = kinds
            .iter()
            .map(|error| super::super::tests::line(&finding(&plan, error)));
        insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"));
    }
}
