//! Scenarios by chance: fleets that are not all well, plans of every shape, quotas that are tight.

use jiff::SignedDuration;

use crate::event::Mode;
use crate::ids::{GroupId, ServerId, Target};
use crate::only::Only;
use crate::plan::{DrillGuard, PlanSpec, WaveSpec};
use crate::sim::drs::Manners;
use crate::sim::fleet::{
    Account, ExistingInstance, FaultPhase, Fleet, LaunchFault, Region, Server, Settings,
};
use crate::sim::hub::Random;
use crate::sim::world::{Quotas, Span, Timings};
use crate::store::group::{GroupConfig, Selection};

mod failover;
mod told;
mod verified;

use super::ask::Ask;
use super::points::Wanted;
use super::{Scenario, Stranger, target};

/// Numbers of servers that are none of the plan's business begin here.
const FOREIGN: u64 = 900;

/// The source server of a number.
pub(super) fn server_id(number: u64) -> String {
    format!("s-{number:017}")
}

/// A scenario for a seed.
pub(super) fn scenario(seed: u64) -> Scenario {
    let mut random = Random::new(seed ^ 0x5eed);
    let counts: Vec<u64> = (0..1 + random.below(4))
        .map(|_| 1 + random.below(3))
        .collect();
    let places = places(&mut random);
    let mut homes: Vec<(Target, Vec<Server>)> = places
        .iter()
        .map(|place| (place.clone(), Vec::new()))
        .collect();
    let mut first = 0;
    let mut groups = Vec::new();
    for (index, count) in counts.iter().enumerate() {
        let home = index % homes.len();
        let numbers = first..first + count;
        let servers = numbers.clone().map(|number| server(number, &mut random));
        homes[home].1.extend(servers);
        let ids = numbers.map(|number| ServerId::new(server_id(number)));
        let mut config = group(index, Selection::Servers(ids.collect()));
        config.target = homes[home].0.clone();
        groups.push((GroupId::new(format!("g-{index}")), config));
        first += count;
    }
    let strangers = strangers(&mut homes, &mut random);
    let terminates = random.chance(600);
    let cancelled_after = random
        .chance(200)
        .then(|| i64::try_from(random.below(1_500)).unwrap_or(0));
    let asks = asks(counts.len(), &mut random);
    let hidden = i64::try_from(random.below(240)).unwrap_or(0);
    let mut scenario = Scenario {
        fleet: fleet_of(homes, settings(&mut random)),
        plan: plan(&counts, &mut random),
        groups,
        mode: if random.chance(750) {
            Mode::Drill
        } else {
            Mode::Recovery
        },
        max_lifetime: None,
        only: Only::default(),
        force_unknown: Vec::new(),
        failover: None,
        speed: if random.chance(200) { 20 } else { 1 },
        manners: Manners {
            jobs_hidden_for: SignedDuration::from_secs(hidden),
            refuses_tags: random.chance(250),
            hides_instances: false,
            topics_hang: false,
        },
        terminates,
        cancelled_after,
        asks,
        points: Wanted::Latest,
        strangers,
        skewed: random.chance(400),
        ruthless: 40,
        hosted: 0,
    };
    add_the_rest(&mut scenario, &counts, seed);
    scenario
}

/// What came later, each from chances of its own, so that everything else of a seed is as it was without it.
fn add_the_rest(scenario: &mut Scenario, counts: &[u64], seed: u64) {
    let mut random = Random::new(seed ^ 0x0fa1_1e40);
    add_policies(scenario, counts, &mut random);
    let mut random = Random::new(seed ^ 0xc4ec_0000_4007);
    verified::add(scenario, &mut random);
    let mut random = Random::new(seed ^ 0x0000_7e11_0000);
    told::add(scenario, &mut random);
    let mut random = Random::new(seed ^ 0x0090_1275);
    add_points(scenario, &mut random);
    let mut random = Random::new(seed ^ 0x0fa1_0e50);
    failover::add(scenario, &mut random);
    let mut random = Random::new(seed ^ 0x57a7_e3a6);
    scenario.hosted = match random.below(8) {
        0 => 1_000,
        1 => 300,
        _ => 0,
    };
    // A wrong clock takes from the time that a launch outlasts its request, so launches take as long as they do then.
    if scenario.skewed {
        scenario.fleet.settings.shorten = 1.0;
        scenario.speed = 1;
    }
}

/// Recovery points for some runs, and sources that do not answer.
fn add_points(scenario: &mut Scenario, random: &mut Random) {
    let number = |most: u64, random: &mut Random| random.below(most);
    scenario.points = match random.below(8) {
        0 => Wanted::Before(5 + i64::try_from(number(600, random)).unwrap_or(0)),
        1 | 2 => Wanted::Named(usize::try_from(number(8, random)).unwrap_or(0)),
        _ => Wanted::Latest,
    };
    let accounts = scenario.fleet.accounts.iter_mut();
    let regions = accounts.flat_map(|account| &mut account.regions);
    for server in regions.flat_map(|region| &mut region.servers) {
        if server.replication_state == "CONTINUOUS" && random.chance(60) {
            server.replication_state = "STALLED".to_owned();
        }
    }
}

/// Failure policies for some waves, and more failures for them to meet.
fn add_policies(scenario: &mut Scenario, counts: &[u64], random: &mut Random) {
    let mut first = 0;
    for (wave, count) in scenario.plan.waves.iter_mut().zip(counts) {
        let number =
            |most: u64, random: &mut Random| i64::try_from(random.below(most)).unwrap_or(0);
        wave.on_failure = match random.below(6) {
            0 | 1 => Some("continue".to_owned()),
            2 => Some("pause".to_owned()),
            _ => None,
        };
        match random.below(5) {
            0 => {
                let id = server_id(first + random.below(*count));
                wave.critical_server_ids = Some(vec![ServerId::new(id)]);
            }
            1 => wave.min_success_percent = Some(1 + number(100, random)),
            _ => {}
        }
        wave.retries = random.chance(500).then(|| number(4, random));
        first += count;
    }
    let servers = scenario.fleet.accounts.iter_mut();
    let servers = servers.flat_map(|account| &mut account.regions);
    for server in servers.flat_map(|region| &mut region.servers) {
        while server.faults.len() < 3 && random.chance(150) {
            server.faults.push(LaunchFault {
                phase: FaultPhase::Capacity,
                raw_error: None,
            });
        }
    }
}

/// What operators ask for, and when.
fn asks(waves: usize, random: &mut Random) -> Vec<(i64, Ask)> {
    let count = if random.chance(400) {
        1 + random.below(3)
    } else {
        0
    };
    let one = |random: &mut Random| {
        let wave = usize::try_from(random.below(waves as u64)).unwrap_or(0);
        match random.below(6) {
            0 | 1 => Ask::Pause,
            2 => Ask::PauseBefore(wave),
            3 => Ask::Skip(wave),
            _ => Ask::Retry,
        }
    };
    (0..count)
        .map(|_| {
            let after = i64::try_from(random.below(2_000)).unwrap_or(0);
            (after, one(random))
        })
        .collect()
}

/// One to three accounts and Regions.
fn places(random: &mut Random) -> Vec<Target> {
    let elsewhere = Target {
        region: "us-west-2".to_owned(),
        ..target()
    };
    let spoke = Target {
        account_id: "444455556666".to_owned(),
        ..target()
    };
    let mut places = vec![target()];
    places.extend(random.chance(400).then_some(elsewhere));
    places.extend(random.chance(300).then_some(spoke));
    places
}

/// Somebody who launches a server of ours, and somebody whose own servers take room in the quotas.
fn strangers(homes: &mut [(Target, Vec<Server>)], random: &mut Random) -> Vec<Stranger> {
    let mut found = Vec::new();
    let later = |random: &mut Random| i64::try_from(random.below(1_200)).unwrap_or(0);
    if random.chance(250) {
        let (place, servers) = &homes[0];
        let chosen = usize::try_from(random.below(servers.len() as u64)).unwrap_or(0);
        found.push(Stranger {
            after: later(random),
            place: place.clone(),
            servers: servers[chosen].id.iter().cloned().collect(),
            is_drill: random.chance(500),
            counted: "launches of strangers",
        });
    }
    if random.chance(300) {
        let (place, servers) = &mut homes[0];
        for number in 0..1 + random.below(3) {
            let own = healthy(FOREIGN + number);
            found.push(Stranger {
                after: later(random) / 4,
                place: place.clone(),
                servers: own.id.iter().cloned().collect(),
                is_drill: true,
                counted: "foreign jobs",
            });
            servers.push(own);
        }
    }
    found
}

/// A fleet in one account and Region.
pub(super) fn fleet(servers: Vec<Server>, settings: Settings) -> Fleet {
    fleet_of(vec![(target(), servers)], settings)
}

/// A fleet in several; an account may come more than once.
fn fleet_of(homes: Vec<(Target, Vec<Server>)>, settings: Settings) -> Fleet {
    let account = |(place, servers): (Target, Vec<Server>)| Account {
        id: place.account_id,
        external_id: None,
        regions: vec![Region::with(&place.region, servers)],
    };
    Fleet {
        accounts: homes.into_iter().map(account).collect(),
        settings,
        iam: None,
    }
}

/// A healthy server.
pub(super) fn healthy(number: u64) -> Server {
    let mut server = Server::named(&format!("host-{number}"));
    server.id = Some(server_id(number));
    server
}

pub(super) fn group(index: usize, selection: Selection) -> GroupConfig {
    GroupConfig {
        name: format!("group {index}"),
        description: None,
        target: target(),
        selection,
        tags: std::collections::BTreeMap::new(),
    }
}

/// Seconds of a launch that is slow, and of one that outlasts every limit of a wave.
pub(super) const SLOW: f64 = 4_000.0;
pub(super) const STUCK: f64 = 80_000.0;

/// The timings of a server whose launch takes so long.
fn dragging(seconds: f64) -> Timings {
    Timings {
        launch: Span(seconds, seconds),
        ..Timings::default()
    }
}

fn server(number: u64, random: &mut Random) -> Server {
    let mut server = healthy(number);
    if random.chance(100) {
        let phase = match random.below(4) {
            0 => FaultPhase::Snapshot,
            1 => FaultPhase::Conversion,
            2 => FaultPhase::Capacity,
            _ => FaultPhase::Pending,
        };
        server.faults.push(LaunchFault {
            phase,
            raw_error: None,
        });
    }
    if random.chance(40) {
        server.timings = Some(dragging(if random.chance(80) { STUCK } else { SLOW }));
    }
    if random.chance(30) {
        server.replication_state = "INITIAL_SYNC".to_owned();
    }
    if random.chance(150) {
        server.recovery_instance = Some(ExistingInstance {
            is_drill: true,
            termination_protected: false,
        });
    }
    server
}

fn settings(random: &mut Random) -> Settings {
    let quota = |most: u64, random: &mut Random| u32::try_from(1 + random.below(most)).unwrap_or(1);
    Settings {
        quotas: Quotas {
            jobs: quota(6, random) + 1,
            servers_per_job: quota(4, random),
            servers_in_jobs: 4 + quota(8, random),
            ..Quotas::default()
        },
        shorten: f64::from(quota(6, random)),
        recovery_instance_id_in_job: random.chance(500),
        ..Settings::default()
    }
}

fn plan(counts: &[u64], random: &mut Random) -> PlanSpec {
    let number = |most: u64, random: &mut Random| i64::try_from(random.below(most)).unwrap_or(0);
    let waves = (0..counts.len()).map(|index| WaveSpec {
        name: format!("wave {index}"),
        protection_group_ids: vec![GroupId::new(format!("g-{index}"))],
        depends_on_waves: match random.below(3) {
            0 => Some(Vec::new()),
            1 => Some(
                (0..index)
                    .filter(|_| random.chance(500))
                    .map(|other| format!("wave {other}"))
                    .collect(),
            ),
            _ => None,
        },
        launch_order: random.chance(300).then(|| "SEQUENTIAL".to_owned()),
        source_server_ids: None,
        max_in_flight: random.chance(300).then(|| 1 + number(3, random)),
        pause_before: random.chance(100).then_some(true),
        wait_time_seconds: random.chance(300).then(|| number(180, random)),
        timeout_seconds: random.chance(150).then(|| 60 + number(3_600, random)),
        ..WaveSpec::default()
    });
    PlanSpec {
        name: "shop".to_owned(),
        description: None,
        waves: waves.collect(),
        execution_timeout_seconds: random.chance(100).then(|| 60 + number(7_200, random)),
        // Not drawn, so that what is drawn after it stays as it was without guards.
        drill_guard: counts
            .iter()
            .sum::<u64>()
            .is_multiple_of(5)
            .then(|| DrillGuard {
                subnet_tags: std::collections::BTreeMap::from([(
                    "Name".to_owned(),
                    "default".to_owned(),
                )]),
            }),
        ..PlanSpec::default()
    }
}
