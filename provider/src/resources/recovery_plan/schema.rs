//! The schema of a recovery plan.

use drs_engine::limits;
use drs_engine::plan::AfterFailure;
use tfplugin::{Attribute, Schema, Type};

use crate::tags;

mod actions;
mod around;

/// The resource's schema.
pub(super) fn schema() -> Schema {
    Schema::new(
        "A recovery plan: waves of servers that are launched one after the other, or side by side. A plan launches \
         nothing by itself; `drs_drill_execution` runs it as a drill.\n\n\
         This is not a *native recovery plan* of AWS DRS, which has steps, and lives in one account and Region.\n\n\
         A plan cannot be changed or deleted while an execution of it runs. A name that another plan holds is waited \
         for, one minute, because the other plan may give it up in the same apply.",
    )
    .attribute(
        "id",
        Attribute::string().computed().use_state_for_unknown().describe("Id of the plan."),
    )
    .attribute(
        "name",
        Attribute::string().required().describe(
            "Name, unique in the environment without regard to case; at most 64 characters.",
        ),
    )
    .attribute(
        "description",
        Attribute::string().optional().describe("Free text for people. Default: none."),
    )
    .attribute("tags", tags::tags())
    .attribute("tags_all", tags::tags_all())
    .attribute(
        "waves",
        Attribute::list_nested(wave())
            .required()
            .describe("The waves. By default each begins when the one before it in this list has completed."),
    )
    .attribute(
        "execution_timeout_seconds",
        Attribute::number().optional().describe(
            "Longest time of a whole execution, in seconds; after that nothing more is launched, running jobs are \
             followed to their end, and termination is offered. At most 7 days. Default: for a drill the sum of waits \
             and timeouts along the longest chain of waves; for a recovery none.",
        ),
    )
    .attribute(
        "rto_objective",
        around::objective(
            "Recovery time objective: how soon after its start a recovery is meant to have ended, such as `4h`. It is kept with \
             the plan for people and reports, and decides nothing. Default: none.",
        ),
    )
    .attribute(
        "rpo_objective",
        around::objective(
            "Recovery point objective: how old the data may be that servers are launched from, such as `15m`. It is kept with \
             the plan for people and reports, and decides nothing. Default: none.",
        ),
    )
    .attribute("drill_guard", around::drill_guard())
    .attribute("notifications", around::notifications())
    .attribute(
        "digest",
        Attribute::string().computed().describe(
            "Digest of everything that decides what an execution does; a pure function of the configuration, for use \
             in `triggers`. Name, description, tags, objectives and \
             notifications are left out.",
        ),
    )
}

/// What a wave does, what follows when servers of it fail, and what is looked at and run beside.
fn wave() -> Vec<(&'static str, Attribute)> {
    let mut attributes = Vec::from(launches());
    attributes.extend(failures());
    attributes.extend(actions::actions());
    attributes
}

fn launches() -> [(&'static str, Attribute); 9] {
    [
        (
            "name",
            Attribute::string().required().describe("Name, unique in the plan; at most 64 characters."),
        ),
        (
            "protection_group_ids",
            Attribute::list(Type::String)
                .required()
                .describe("Ids of the protection groups whose servers are launched, in launch order."),
        ),
        (
            "depends_on_waves",
            Attribute::list(Type::String).optional().describe(
                "Names of the waves that must have completed first; `[]` means none. Default: the wave before this one \
                 in the list.",
            ),
        ),
        (
            "launch_order",
            Attribute::string()
                .default_value("PARALLEL")
                .describe(
                    "`PARALLEL` launches all servers in as few DRS jobs as the quota allows; `SEQUENTIAL` one after \
                     the other, the next when the one before is launched. Default: `PARALLEL`.",
                ),
        ),
        (
            "source_server_ids",
            Attribute::list(Type::String).optional().describe(
                "Ids of the servers of the groups that this wave launches, in launch order. Default: all of them.",
            ),
        ),
        (
            "max_in_flight",
            Attribute::number().optional().describe(
                "Most servers of this wave that may be launching at the same time. Default: as many as the DRS quota \
                 allows.",
            ),
        ),
        (
            "wait_time_seconds",
            Attribute::number().default_value(0_i64).describe(
                "Seconds to wait after the waves it depends on have completed, before the first launch. Default: `0`.",
            ),
        ),
        (
            "timeout_seconds",
            Attribute::number().default_value(limits::WAVE_TIMEOUT.as_secs()).describe(
                "Longest time from the first launch of this wave to its last launched server, in seconds. Default: \
                 `7200`, two hours.",
            ),
        ),
        (
            "pause_before",
            Attribute::bool().default_value(false).describe(
                "Whether the execution is paused before this wave until somebody approves it with `drsctl resume`. Other \
                 waves go on, and no limit counts the time. Default: `false`.",
            ),
        ),
    ]
}

fn failures() -> [(&'static str, Attribute); 4] {
    [
        (
            "on_failure",
            Attribute::string().default_value(AfterFailure::Halt.as_str()).describe(
                "What the failure of this wave means for the rest: `halt` starts no other wave; `continue` lets the \
                 others go on, those that depend on it included; `pause` waits until somebody has decided. A wave that \
                 runs out of time has failed. Default: `halt`.",
            ),
        ),
        (
            "critical_server_ids",
            Attribute::list(Type::String).optional().describe(
                "Ids of the servers of this wave whose failure fails it; when only others fail, it ends as `PARTIAL`, \
                 and what depends on it goes on. Cannot be used with `min_success_percent`. Default: every server.",
            ),
        ),
        (
            "min_success_percent",
            Attribute::number().optional().describe(
                "Share of the servers, in percent, that must be launched for this wave to succeed, from 1 to 100; when \
                 others fail, it ends as `PARTIAL`, and what depends on it goes on. Cannot be used with \
                 `critical_server_ids`. Default: all of them.",
            ),
        ),
        (
            "retries",
            Attribute::number().default_value(0_i64).describe(
                "How often a server is launched again after DRS reported that its launch failed, from 0 to 3. It is \
                 launched again once its job has ended, as long as the wave has time left. Default: `0`.",
            ),
        ),
    ]
}
