//! What a preflight says: of a plan that is ready, of one that is not, and of what is in its way.

use std::collections::BTreeMap;

use serde_json::json;

use crate::begin::tests::hooks::with_hooks;
use crate::begin::tests::{Process, begin, process, stage, wait};
use crate::event::Mode;
use crate::ids::{GroupId, PlanId, ServerId};
use crate::only::Only;
use crate::plan::NotificationsSpec;
use crate::ports::RecoverySnapshot;
use crate::readiness::Answers;
use crate::sim::drs::lock;
use crate::sim::fleet::Subnet;
use crate::sim::hub::Hub;
use crate::sim::world::admin::{AdminCommand, Place};
use crate::sim::world::fault::{Fault, Injected};
use crate::store::groups::Groups;
use crate::store::memory::MemoryItems;
use crate::store::plans::Plans;

use super::{Finding, Level, Preflight, Roster, launches};

fn look(hub: &Hub, memory: &MemoryItems, mode: Mode, only: Only) -> Preflight {
    let process: Process = process(hub, memory, "o-9");
    wait(hub, async move {
        process
            .preflight(&PlanId::new("p-1"), mode, &only, &crate::testing::target())
            .await
    })
}

fn told(found: &Preflight) -> String {
    let lines: Vec<String> = found.findings.iter().map(line).collect();
    lines.join("\n")
}

/// A finding with everything that a program reads of it.
pub(super) fn line(finding: &Finding) -> String {
    let mut about: Vec<String> = finding.target.iter().map(ToString::to_string).collect();
    let servers = finding.servers.iter();
    about.extend(servers.map(|server| {
        let hostname = server.hostname.as_deref().unwrap_or("no host name");
        format!("server {} ({hostname})", server.id)
    }));
    about.extend((finding.more_servers > 0).then(|| format!("{} more", finding.more_servers)));
    about.extend(finding.waves.iter().map(|wave| format!("wave {wave:?}")));
    about.extend(finding.command.iter().map(|command| format!("`{command}`")));
    let Finding {
        level, check, text, ..
    } = finding;
    let about = match about.is_empty() {
        true => String::new(),
        false => format!("\n    {}", about.join(", ")),
    };
    format!("{level:?} {check}: {text}{about}")
}

#[test]
fn a_plan_that_is_ready_says_so_and_what_it_would_launch() {
    let (hub, memory) = stage();
    let found = look(&hub, &memory, Mode::Drill, Only::default());
    assert_eq!(found.level(), Level::Ready, "{}", told(&found));
    insta::assert_snapshot!("ready", told(&found));
    assert_eq!((found.next_run, found.jobs.len()), (Some(1), 1));
    let names: Vec<&str> = found.jobs[0]
        .servers
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(names, ["web-1", "web-2"]);
    assert!(
        memory.all().iter().all(|item| item.key.sort.is_none()),
        "a preflight writes nothing"
    );
}

#[test]
fn hooks_and_checks_that_run_nothing_stop_a_drill_and_warn_a_recovery() {
    let (hub, memory, _) = with_hooks(&["nobody", "shop-smoke-test"], "No-Such-Document");
    let drill = look(&hub, &memory, Mode::Drill, Only::default());
    let recovery = look(&hub, &memory, Mode::Recovery, Only::default());
    insta::assert_snapshot!(format!("{}\n\n{}", wrong(&drill), wrong(&recovery)));

    let (hub, memory, _) = with_hooks(&["shop-smoke-test"], "AWS-RunShellScript");
    let found = look(&hub, &memory, Mode::Drill, Only::default());
    assert_eq!(found.level(), Level::Ready, "{}", told(&found));
    assert!(
        told(&found).contains("hooks and checks"),
        "{}",
        told(&found)
    );
}

#[test]
fn topics_that_nobody_is_told_through_are_warnings() {
    let topics = |names: &[&str]| {
        let (hub, memory) = stage();
        let plans = Plans::new(memory.clone());
        let (id, now) = (PlanId::new("p-1"), hub.both());
        let stored = crate::testing::at_once(plans.find(&id)).unwrap().unwrap();
        let arn = |name: &&str| format!("arn:aws:sns:us-east-1:111122223333:{name}");
        let mut spec = stored.spec.clone();
        spec.notifications = Some(NotificationsSpec {
            topic_arns: names.iter().map(arn).collect(),
            events: None,
        });
        let changed = plans.update(&id, spec, BTreeMap::new(), now);
        crate::testing::at_once(changed).unwrap();
        (hub, memory)
    };
    let (hub, memory) = topics(&["disaster-recovery"]);
    let found = look(&hub, &memory, Mode::Drill, Only::default());
    assert_eq!(found.level(), Level::Ready, "{}", told(&found));
    assert!(told(&found).contains("Ready notifications"));

    let (hub, memory) = topics(&["disaster-recovery", "nobody"]);
    let missing = look(&hub, &memory, Mode::Recovery, Only::default());
    assert_eq!(missing.level(), Level::Warning, "{}", told(&missing));
    let process = process(&hub, &memory, "o-9");
    let fault = denied("sns:GetTopicAttributes");
    lock(&process.drs.world).admin(hub.now(), fault).unwrap();
    let unknown = wait(&hub, async move {
        let (plan, only) = (PlanId::new("p-1"), Only::default());
        let hub = crate::testing::target();
        process.preflight(&plan, Mode::Drill, &only, &hub).await
    });
    assert_eq!(unknown.level(), Level::Warning, "{}", told(&unknown));
    insta::assert_snapshot!(format!("{}\n\n{}", wrong(&missing), wrong(&unknown)));
}

#[test]
fn a_drill_in_the_way_stops_a_drill_and_only_warns_a_recovery() {
    let (hub, memory) = stage();
    let first = process(&hub, &memory, "o-1");
    wait(&hub, async move {
        first
            .begin_execution(&begin("x-1", json!({})))
            .await
            .unwrap()
    });
    let drill = look(&hub, &memory, Mode::Drill, Only::default());
    assert_eq!(drill.level(), Level::Problem);
    let recovery = look(&hub, &memory, Mode::Recovery, Only::default());
    assert_eq!(recovery.level(), Level::Warning);
    insta::assert_snapshot!(
        "in_the_way",
        format!("{}\n\n{}", told(&drill), told(&recovery))
    );
}

#[test]
fn everything_that_is_wrong_is_said() {
    let (hub, memory) = stage();
    let only = Only {
        waves: vec!["db".to_owned()],
        ..Only::default()
    };
    let found = look(&hub, &memory, Mode::Drill, only);
    let one = told(&found);
    let (groups, id) = (Groups::new(memory.clone()), GroupId::new("g-1"));
    crate::testing::at_once(groups.delete(&id)).unwrap();
    let found = look(&hub, &memory, Mode::Drill, Only::default());
    assert_eq!(found.level(), Level::Problem);
    insta::assert_snapshot!("everything_wrong", format!("{one}\n{}", told(&found)));
}

fn place() -> Place {
    Place {
        account_id: None,
        region: crate::testing::target().region,
    }
}

/// What is found in a world that was changed before.
fn found_in(commands: Vec<AdminCommand>, mode: Mode) -> Preflight {
    let (hub, memory) = stage();
    let process = process(&hub, &memory, "o-9");
    for command in commands {
        let mut world = lock(&process.drs.world);
        world.admin(hub.now(), command).unwrap();
    }
    wait(&hub, async move {
        let only = Only::default();
        process
            .preflight(&PlanId::new("p-1"), mode, &only, &crate::testing::target())
            .await
    })
}

/// The findings that are not as they should be.
fn wrong(found: &Preflight) -> String {
    let findings = found.findings.iter();
    let wrong = findings.filter(|finding| finding.level != Level::Ready);
    wrong.map(line).collect::<Vec<_>>().join("\n")
}

fn template(server: &str, subnet: Option<&str>, instance_type: Option<&str>) -> AdminCommand {
    AdminCommand::SetLaunchTemplate {
        place: place(),
        server: server.to_owned(),
        subnet: subnet.map(str::to_owned),
        instance_type: instance_type.map(str::to_owned),
    }
}

fn denied(operation: &str) -> AdminCommand {
    AdminCommand::InjectFault(Injected {
        times: 100,
        ..Injected::next(operation, Fault::AccessDenied)
    })
}

fn replication(server: &str, state: &str, lag_seconds: u32) -> AdminCommand {
    AdminCommand::SetReplication {
        place: place(),
        server: server.to_owned(),
        state: state.to_owned(),
        stall_reason: None,
        lag_seconds,
    }
}

#[test]
fn a_full_subnet_and_a_template_without_one_are_told_with_numbers() {
    let narrow = AdminCommand::SetSubnet {
        place: place(),
        subnet: Subnet {
            free_addresses: 1,
            ..Subnet::named("drill")
        },
    };
    let full = found_in(vec![narrow], Mode::Drill);
    assert_eq!(full.level(), Level::Problem);
    let open = found_in(vec![template("web-2", Some("none"), None)], Mode::Drill);
    assert_eq!(open.level(), Level::Warning);
    insta::assert_snapshot!(format!("{}\n{}", wrong(&full), wrong(&open)));
}

#[test]
fn vcpus_over_the_quota_are_told_with_numbers() {
    let narrow = AdminCommand::ChangeSettings(json!({"quotas": {"standard_vcpus": 5}}));
    let large = template("web-1", None, Some("m5.xlarge"));
    let found = found_in(vec![narrow, large], Mode::Recovery);
    assert_eq!(found.level(), Level::Problem);
    insta::assert_snapshot!(wrong(&found));
}

#[test]
fn servers_without_a_point_in_time_cannot_be_launched_and_old_ones_are_told() {
    let found = found_in(
        vec![
            replication("web-1", "STALLED", 7_380),
            replication("web-2", "INITIAL_SYNC", 0),
        ],
        Mode::Drill,
    );
    assert_eq!(found.level(), Level::Problem);
    insta::assert_snapshot!(wrong(&found));
}

#[test]
fn a_denied_call_names_the_action_and_what_it_means() {
    let told: Vec<String> = [
        "GetLaunchConfiguration",
        "DescribeRecoverySnapshots",
        "DescribeJobs",
        "DescribeRecoveryInstances",
        "ec2:DescribeLaunchTemplateVersions",
        "ec2:DescribeSubnets",
        "ec2:DescribeInstanceTypes",
        "ec2:DescribeInstances",
        "servicequotas:GetServiceQuota",
    ]
    .into_iter()
    .map(|operation| {
        let found = found_in(vec![denied(operation)], Mode::Drill);
        let is_guess = operation.starts_with("servicequotas") || operation.ends_with("Snapshots");
        let level = if is_guess {
            Level::Warning
        } else {
            Level::Problem
        };
        assert_eq!(found.level(), level, "{operation}");
        wrong(&found)
    })
    .collect();
    insta::assert_snapshot!(told.join("\n\n"));
}

#[test]
fn a_drs_that_was_never_set_up_is_told_with_the_command() {
    let undone = AdminCommand::SetInitialized {
        place: place(),
        initialized: false,
    };
    insta::assert_snapshot!(told(&found_in(vec![undone], Mode::Drill)));
}

#[test]
fn launches_that_are_not_like_the_others_are_told() {
    let (hub, memory) = stage();
    let process = process(&hub, &memory, "o-9");
    {
        let mut world = lock(&process.drs.world);
        let caller = process.drs.caller.clone();
        let region = crate::testing::target().region;
        let mut call = |operation: &str, input| {
            let reply = world.call(hub.now(), &caller, &region, operation, &input);
            reply.unwrap().body.unwrap()
        };
        let servers = call("DescribeSourceServers", json!({}));
        let id_of = |name: &str| {
            let items = servers["items"].as_array().unwrap().iter();
            let mut named = items
                .filter(|item| item["sourceProperties"]["identificationHints"]["hostname"] == name);
            named.next().unwrap()["sourceServerID"].clone()
        };
        let stopped = json!({"sourceServerID": id_of("web-1"), "launchDisposition": "STOPPED"});
        call("UpdateLaunchConfiguration", stopped);
        let into = json!({
            "sourceServerID": id_of("web-2"),
            "launchIntoInstanceProperties": {"launchIntoEC2InstanceID": "i-0123456789abcdef0"},
        });
        call("UpdateLaunchConfiguration", into);
    }
    let found = wait(&hub, async move {
        let only = Only::default();
        process
            .preflight(
                &PlanId::new("p-1"),
                Mode::Drill,
                &only,
                &crate::testing::target(),
            )
            .await
    });
    insta::assert_snapshot!(wrong(&found));
}

#[test]
fn points_that_are_old_or_that_could_not_be_read_are_told() {
    let target = crate::testing::target();
    let named = |id: &str| (ServerId::new(id), format!("host-{id}"));
    let servers: Vec<_> = ["s-1", "s-2", "s-3"].map(named).into();
    let now = crate::testing::start();
    let old = |id: &str, minutes: i64| {
        let taken_at = |minutes| {
            Some(crate::time::before(
                now,
                jiff::SignedDuration::from_mins(minutes),
            ))
        };
        let point = |taken_at| RecoverySnapshot {
            id: "pit-1".into(),
            taken_at,
        };
        (
            named(id),
            vec![
                point(taken_at(minutes + 10)),
                point(taken_at(minutes)),
                point(None),
            ],
        )
    };
    let mut found = Preflight::default();
    let answers = Answers {
        read: vec![old("s-1", 61), old("s-2", 600)],
        error: None,
    };
    let (plan, roster) = (PlanId::new("p-1"), Roster::default());
    let mut place = launches::Place::new(&plan, &roster, &target, &servers);
    launches::look_at_points(&mut place, answers, now, &mut found);
    insta::assert_snapshot!(told(&found));
}

#[test]
fn what_comes_back_first_makes_a_lack_a_warning() {
    let need = |all, comes_back| launches::Need { all, comes_back };
    assert_eq!(need(2, 0).level(2), Level::Ready);
    assert_eq!(need(2, 1).level(1), Level::Warning);
    assert_eq!(need(2, 1).level(0), Level::Problem);
    assert_eq!(need(2, 0).level(1), Level::Problem);
}
