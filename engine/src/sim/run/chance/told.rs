//! Notices and lifetimes by chance: topics that answer, that are throttled, that refuse, that are not there, and such that
//! never answer.

use crate::event::Mode;
use crate::plan::NotificationsSpec;
use crate::sim::fleet::{Outcome, Step, Stub};
use crate::sim::hub::Random;
use crate::sim::run::{Scenario, target};

/// Topics that there are.
const TOPICS: u64 = 3;

/// Adds topics to a scenario, somebody to tell, and a lifetime.
pub(super) fn add(scenario: &mut Scenario, random: &mut Random) {
    let regions = scenario.fleet.accounts.iter_mut();
    let home = regions
        .flat_map(|account| &mut account.regions)
        .next()
        .expect("there is a Region");
    for number in 0..TOPICS {
        home.topics.push(Stub {
            name: format!("topic-{number}"),
            script: script(random),
        });
    }
    if random.chance(500) {
        scenario.plan.notifications = Some(notifications(random));
    }
    scenario.manners.topics_hang = random.chance(50);
    if scenario.mode == Mode::Drill && random.chance(300) {
        let most = if random.chance(500) { 1_800 } else { 20_000 };
        scenario.max_lifetime = Some(60 + i64::try_from(random.below(most)).unwrap_or(0));
    }
}

fn notifications(random: &mut Random) -> NotificationsSpec {
    let count = 1 + random.below(2);
    let topics = (0..count).map(|number| {
        let home = target();
        let name = match random.below(12) {
            0 => format!("no-such-topic-{number}"),
            _ => format!("topic-{}", (number + random.below(2)) % TOPICS),
        };
        format!("arn:aws:sns:{}:{}:{name}", home.region, home.account_id)
    });
    let mut topic_arns: Vec<String> = topics.collect();
    topic_arns.dedup();
    let words = ["STARTED", "PAUSED", "DEGRADED", "FINISHED"];
    let chosen = words.iter().filter(|_| random.chance(600));
    let chosen: Vec<String> = chosen.map(|word| (*word).to_owned()).collect();
    NotificationsSpec {
        topic_arns,
        events: Some(chosen).filter(|chosen| !chosen.is_empty()),
    }
}

fn script(random: &mut Random) -> Vec<Step> {
    let count = random.below(3);
    let steps = (0..count).map(|_| Step {
        outcome: match random.below(6) {
            0 => Outcome::Fail,
            1 | 2 => Outcome::Throttle,
            _ => Outcome::Succeed,
        },
        times: Some(1 + random.below(8)),
        ..Step::default()
    });
    steps.collect()
}
