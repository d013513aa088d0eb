//! Recoveries that come while a drill may run, and parts of plans, by chance.

use crate::event::Mode;
use crate::ids::{PlanId, ServerId};
use crate::only::Only;
use crate::sim::hub::Random;

use super::super::failover::Failover;
use super::super::points::Wanted;
use super::super::{OTHER_PLAN, Scenario, plan_id};

/// A part for some runs, and a recovery beside some drills.
pub(super) fn add(scenario: &mut Scenario, random: &mut Random) {
    if random.chance(150) {
        scenario.only = part(scenario, random);
        // Points are named for servers of the whole plan.
        if matches!(scenario.points, Wanted::Named(_)) {
            scenario.points = Wanted::Latest;
        }
    }
    if scenario.mode == Mode::Drill && random.chance(250) {
        let plan = if random.chance(500) {
            plan_id()
        } else {
            PlanId::new(OTHER_PLAN)
        };
        scenario.failover = Some(Failover {
            after: i64::try_from(random.below(900)).unwrap_or(0),
            plan,
            only: part(scenario, random),
        });
    }
}

/// A wave, a group, all but one server, or all of it.
fn part(scenario: &Scenario, random: &mut Random) -> Only {
    let mut only = Only::default();
    let count = scenario.groups.len() as u64;
    let index = usize::try_from(random.below(count)).unwrap_or(0);
    match random.below(4) {
        0 => only.waves.push(scenario.plan.waves[index].name.clone()),
        1 => only.groups.push(scenario.groups[index].0.to_string()),
        2 => {
            let servers = scenario.groups[index].1.selection.listed();
            only.without
                .extend(servers.first().map(ServerId::to_string));
        }
        _ => {}
    }
    only
}
