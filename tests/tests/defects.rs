//! What existing orchestrators of DRS were seen to get wrong, and the proof that this engine does not.
//!
//! A public record of two orchestrators numbers their defects: 1 to 18 in how they run waves, 19 to 30 in what keeps a
//! recovery safe. [`ROWS`] has every one of them: a test, here or beside the part that it is about, or the reason why it
//! cannot apply. A test asserts that no row is missing and that every test that a row names exists.

mod defects {
    pub(crate) mod running;
    pub(crate) mod safety;
    pub(crate) mod scene;
}

use std::path::Path;

/// What answers a defect.
enum Answer {
    /// A test: its file, from the root of the repository, and its name.
    Test(&'static str, &'static str),
    /// Why it cannot apply.
    CannotApply(&'static str),
}

use Answer::{CannotApply, Test};

const RUNNING: &str = "tests/tests/defects/running.rs";
const SAFETY: &str = "tests/tests/defects/safety.rs";
const TARGETS: &str = "engine/aws/tests/aws/targets.rs";

/// Every defect, in the words of whoever met it, and what answers it.
const ROWS: [(u32, &str, Answer); 30] = [
    (
        1,
        "a poll loses the state of the run",
        Test(RUNNING, "a_run_is_polled_to_its_end"),
    ),
    (
        2,
        "pause and resume cannot work",
        Test(RUNNING, "a_pause_is_resumed_by_another_process"),
    ),
    (
        3,
        "a poll overwrites a cancel",
        Test(RUNNING, "a_poll_never_overwrites_a_request"),
    ),
    (
        4,
        "a cancel fails and is recorded as done",
        Test(RUNNING, "a_cancel_is_done_when_its_jobs_have_ended"),
    ),
    (
        5,
        "a cancelled run goes on to the next wave",
        Test(RUNNING, "a_cancelled_run_launches_no_further_wave"),
    ),
    (
        6,
        "a paused plan can be started again",
        Test(RUNNING, "a_paused_plan_cannot_be_started_again"),
    ),
    (
        7,
        "one failed server ends the run while the others launch unobserved",
        Test(RUNNING, "one_failure_leaves_nobody_unobserved"),
    ),
    (
        8,
        "a server left pending by a completed job is polled for a year",
        Test(RUNNING, "a_server_left_pending_has_failed_soon"),
    ),
    (
        9,
        "a throttled poll fails the run",
        Test(RUNNING, "throttling_fails_nothing"),
    ),
    (
        10,
        "a retried step starts a wave a second time",
        Test(RUNNING, "two_drivers_launch_a_wave_once"),
    ),
    (
        11,
        "a job whose record was lost is nobody's",
        Test(RUNNING, "a_job_without_record_is_adopted"),
    ),
    (
        12,
        "a start is not idempotent, and a conflict is not retried",
        Test(RUNNING, "a_conflict_is_waited_out"),
    ),
    (
        13,
        "dependencies and all groups of a wave but the first are ignored",
        Test(RUNNING, "every_group_and_every_dependency_counts"),
    ),
    (
        14,
        "a cancelled run ends as a success",
        Test(RUNNING, "a_cancel_is_done_when_its_jobs_have_ended"),
    ),
    (
        15,
        "a resume shortens the time that a wave may take",
        Test(RUNNING, "a_pause_takes_nothing_from_a_limit"),
    ),
    (
        16,
        "what a timed-out run launched can never be terminated",
        Test(RUNNING, "a_timed_out_run_can_be_terminated"),
    ),
    (
        17,
        "phases are looked for under names that DRS does not use",
        Test(RUNNING, "unknown_words_of_drs_are_carried"),
    ),
    (
        18,
        "a job that is not listed has failed, or has completed",
        Test(RUNNING, "a_job_that_is_not_listed_is_waited_for"),
    ),
    (
        19,
        "roles are defined and never checked",
        CannotApply(
            "there are no roles of our own to forget: every call is made with the caller's own credentials, and IAM \
             decides",
        ),
    ),
    (
        20,
        "the check of whoever invokes a function directly always passes",
        CannotApply(
            "no function is invoked by anybody: the engine runs in the caller's process, under the caller's identity",
        ),
    ),
    (
        21,
        "a callback without authentication changes an execution",
        CannotApply(
            "there is no callback: a request is a conditional write to a table, which IAM guards",
        ),
    ),
    (
        22,
        "a guard that cannot be read lets everything pass",
        Test(SAFETY, "a_guard_that_cannot_be_read_stops_a_drill"),
    ),
    (
        23,
        "a call without an account works on the hub's",
        Test(
            TARGETS,
            "without_a_target_or_its_region_nothing_is_sent_and_the_command_that_helps_is_named",
        ),
    ),
    (
        24,
        "some calls for another account are made with the hub's credentials",
        Test(
            TARGETS,
            "the_hub_makes_no_call_to_drs_ec2_or_quotas_for_servers_of_a_spoke",
        ),
    ),
    (
        25,
        "a role is assumed without its external id",
        Test(
            TARGETS,
            "a_role_that_cannot_be_assumed_makes_every_call_busy_and_none_is_sent",
        ),
    ),
    (
        26,
        "one external id is everybody's",
        Test(
            "engine/aws/src/fresh.rs",
            "no_two_trusts_share_an_external_id",
        ),
    ),
    (
        27,
        "a termination takes instances of other runs",
        Test(SAFETY, "only_own_instances_are_terminated"),
    ),
    (
        28,
        "a new version of a launch template drops what DRS wrote",
        CannotApply("launch templates are read and never written"),
    ),
    (
        29,
        "drift is repaired with the group's settings over the server's",
        CannotApply("launch settings are read and never written"),
    ),
    (
        30,
        "two plans that share servers race",
        Test(SAFETY, "two_plans_never_share_a_server"),
    ),
];

#[test]
fn every_defect_has_its_answer() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for (position, (row, what, answer)) in (1..).zip(&ROWS) {
        assert_eq!(*row, position, "rows are in order, and none is missing");
        match answer {
            CannotApply(reason) => assert!(!reason.is_empty(), "row {row}, {what}"),
            Test(file, name) => {
                let text = std::fs::read_to_string(root.join(file));
                let text = text.unwrap_or_else(|error| panic!("row {row}: {file}: {error}"));
                let declared = format!("fn {name}(");
                assert!(
                    text.contains(&declared),
                    "row {row}, {what}: {file} has no test {name}"
                );
            }
        }
    }
}
