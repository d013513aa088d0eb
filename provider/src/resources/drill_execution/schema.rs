//! The schema of a drill, and of what an execution shows of itself.

use std::time::Duration;

use drs_engine::limits;
use tfplugin::schema::validator;
use tfplugin::{Attribute, Schema, Type, duration};

use crate::runner;

use super::model::{DEFAULT_CLEANUP, DEFAULT_ON_PAUSE};

/// The resource's schema.
pub(super) fn schema() -> Schema {
    let schema = Schema::new(
        "One drill of a recovery plan. Creating the resource starts the drill and follows it to its end: every wave is \
         launched through AWS DRS, and every server is judged. The result stays in the state and, event by event, in \
         the history. Destroying the resource terminates what the drill launched, and verifies that it is gone.\n\n\
         A drill runs once. It is run again when `triggers` change, when it is tainted, or when it was not successful \
         and \
         `fail_on_unsuccessful` is true. What ends Terraform in between does not end the drill: the next apply finds \
         it and \
         follows it. A real failover is never a resource.\n\n\
         ~> A drill never deletes a recovery: while live recovery instances of its servers exist, it does not start.",
    );
    observed(points(configured(schema)), true)
}

/// What servers are launched from.
fn points(schema: Schema) -> Schema {
    schema
        .attribute(
            "recovery_point_before",
            Attribute::string().optional().requires_replace().describe(
                "A time with its zone in RFC 3339, such as `2026-03-01T09:00:00Z`: every server is launched from its newest \
                 recovery point that was taken then or before, and the drill is refused when a server has none. A change \
                 runs a new drill. Cannot be used with `recovery_snapshots`. Default: none; servers are launched from \
                 their newest state.",
            ),
        )
        .attribute(
            "recovery_snapshots",
            Attribute::map(Type::String)
                .optional()
                .requires_replace()
                .validate(validator::not_empty())
                .describe(
                    "Recovery points, as `pit-` and 17 characters, by the id or the host name of the server that is \
                     launched from it; `drsctl points` lists them. Other servers are launched from their newest state. A \
                     change runs a new drill. Cannot be used with `recovery_point_before`. Default: none.",
                ),
        )
}

fn configured(schema: Schema) -> Schema {
    schema
        .attribute(
            "recovery_plan_id",
            Attribute::string()
                .required()
                .requires_replace()
                .describe("Id of the recovery plan. A change runs a new drill."),
        )
        .attribute(
            "triggers",
            Attribute::map(Type::String).optional().requires_replace().describe(
                "Any values; when they change, a new drill is run. `digest` of the plan and of its groups belong here, \
                 and e.g. the name of the quarter. A timestamp would drill on every apply. Default: none; the drill \
                 runs once.",
            ),
        )
        .attribute(
            "cleanup",
            Attribute::string()
                .default_value(DEFAULT_CLEANUP)
                .validate(validator::one_of(["on_destroy", "on_success", "always", "never"]))
                .describe(
                    "When what the drill launched is terminated: `on_destroy`, with the resource; `on_success`, as \
                     soon as the drill has completed, else with the resource; `always`, as soon as it has ended; \
                     `never`. Default: `on_destroy`.",
                ),
        )
        .attribute(
            "fail_on_unsuccessful",
            Attribute::bool().default_value(true).describe(
                "Whether apply fails when the drill ends otherwise than `COMPLETED`. The resource is then tainted, and \
                 the next apply runs the drill again. Default: `true`.\n\n\
                 With `false` the result is kept, whatever it is, and a postcondition says which ones are good enough. \
                 This one accepts a drill in which only servers failed whose failure the plan lets pass:\n\n\
                 ```terraform\n\
                 lifecycle {\n  \
                 postcondition {\n    \
                 condition     = contains([\"COMPLETED\", \"PARTIAL\"], self.status)\n    \
                 error_message = \"The drill ended as ${self.status}: ${self.summary}\"\n  \
                 }\n\
                 }\n\
                 ```\n\n\
                 A drill that does not meet it fails every plan until `triggers` change, or until it is run again with \
                 `terraform apply -replace`.",
            ),
        )
        .attribute("max_lifetime", lifetime())
        .attribute(
            "on_pause",
            Attribute::string()
                .default_value(DEFAULT_ON_PAUSE)
                .validate(validator::one_of(["wait", "return"]))
                .describe(
                    "What apply does while the drill is paused, before a wave that asks for an approval or by an operator: \
                     `wait`, until somebody lets it go on, or the `create` timeout passes, which then leaves the drill paused \
                     as Ctrl-C does; `return`, once none of its jobs runs, with the status `PAUSED` and a warning, so that the \
                     next apply goes on. Default: `wait`.",
                ),
        )
        .attribute(
            runner::ATTRIBUTE,
            runner::attribute(
                "A change starts no other drill: it counts when nobody drives this one any more, and for the next. Default: \
                 the `runner` of the provider.",
            ),
        )
        .attribute("timeouts", timeouts())
}

/// How long what a drill launches may stay.
pub(crate) fn lifetime() -> Attribute {
    Attribute::string()
                .optional()
                .validate(duration::between(
                    limits::SHORTEST_LIFETIME.unsigned_abs(),
                    limits::LONGEST_LIFETIME.unsigned_abs(),
                ))
                .describe(
                    "How long what the drill launches may stay, from its start on, such as `24h`; from a minute to 30 days. \
                     When it has passed, whoever drives the drill, or the next `drsctl sweep`, cancels what still runs and \
                     terminates what was launched. A drill keeps the one that it started with: a change counts for the \
                     next. Default: none; it stays until the resource is destroyed.",
                )
}

fn timeouts() -> Attribute {
    let one = |text: &str| {
        let longest = limits::LONGEST_TIMEOUT.unsigned_abs() + Duration::from_secs(86_400);
        Attribute::string()
            .optional()
            .validate(duration::between(Duration::from_secs(1), longest))
            .describe(text)
    };
    Attribute::single_nested([
        (
            "create",
            one("How long the drill may take, such as `2h45m`; then it is cancelled and apply fails. Default: half an \
                 hour more than the execution's own limit."),
        ),
        (
            "update",
            one("How long an apply follows a drill that runs already. Default: as `create`."),
        ),
        (
            "delete",
            one("How long jobs that run may take to end, and instances to be terminated. Default: `6h30m`."),
        ),
    ])
    .optional()
    .describe("How long the operations of this resource may take. With a simulator this is its time.")
}

/// What an execution shows of itself. In a resource it is kept while other attributes change.
pub(crate) fn observed(schema: Schema, kept: bool) -> Schema {
    let keep = |attribute: Attribute| {
        let attribute = attribute.computed();
        if kept {
            attribute.use_state_for_unknown()
        } else {
            attribute
        }
    };
    let text = |what: &str| keep(Attribute::string().describe(what));
    let schema = if kept {
        schema.attribute("id", text("Id of the execution."))
    } else {
        schema
    };
    schema
        .attribute("plan_name", text("Name of the plan when the execution started."))
        .attribute(
            "status",
            text(
                "`RUNNING` or `CANCELLING`, and at the end `COMPLETED`, `PARTIAL`, `FAILED`, `CANCELLED`, \
                 `TIMED_OUT` or `HALTED`. `PARTIAL` means that servers were launched, and that others failed whose \
                 failure the plan lets pass. Only `COMPLETED` is success.",
            ),
        )
        .attribute("summary", text("One sentence about the end; null until then."))
        .attribute("started_at", text("When it started, in RFC 3339."))
        .attribute("finished_at", text("When it ended, in RFC 3339; null until then."))
        .attribute(
            "duration_seconds",
            keep(Attribute::number().describe("Seconds from its start to its end; null until then.")),
        )
        .attribute(
            "instances_terminated",
            keep(Attribute::bool().describe(
                "Whether it has ended and nothing that it launched is left: terminated, and verified to be gone.",
            )),
        )
        .attribute("waves", keep(Attribute::list_nested(wave()).describe("The waves in the plan's order.")))
        .attribute(
            "servers",
            keep(Attribute::list_nested(server()).describe("Every server, in the order of the waves and of the \
                launches.")),
        )
}

fn wave() -> [(&'static str, Attribute); 9] {
    let text = |what: &str| Attribute::string().computed().describe(what);
    let number = |what: &str| Attribute::number().computed().describe(what);
    [
        ("name", text("Name of the wave.")),
        (
            "status",
            text(
                "`WAITING`, `RUNNING`, and at the end `COMPLETED`, `PARTIAL`, `FAILED`, `TIMED_OUT` or \
                 `NOT_LAUNCHED`.",
            ),
        ),
        (
            "started_at",
            text("When it started, after its wait, in RFC 3339; null until then."),
        ),
        (
            "ended_at",
            text("When it ended, its checks and hooks included, in RFC 3339; null until then."),
        ),
        ("servers", number("How many servers it has.")),
        ("launched", number("How many were launched.")),
        ("failed", number("How many failed.")),
        (
            "degraded",
            number("How many were launched and did not pass a check."),
        ),
        (
            "hooks",
            Attribute::list_nested(hook())
                .computed()
                .describe("Its hooks that were begun, in the order in which they run."),
        ),
    ]
}

fn hook() -> [(&'static str, Attribute); 8] {
    let text = |what: &str| Attribute::string().computed().describe(what);
    [
        ("name", text("Name of the hook.")),
        (
            "when",
            text("`before` or `after` the launches of its wave."),
        ),
        (
            "status",
            text(
                "`RUNNING`, and at the end `SUCCEEDED`, `FAILED`, `TIMED_OUT`, or `GIVEN_UP` when it was not followed \
                 to its end.",
            ),
        ),
        (
            "detail",
            text("What it returned, or why it failed; null when nothing is known."),
        ),
        ("started_at", text("When it was begun, in RFC 3339.")),
        (
            "ended_at",
            text("When it ended, in RFC 3339; null until then."),
        ),
        ("account_id", text("Account that it ran in.")),
        ("region", text("Region that it ran in.")),
    ]
}

fn server() -> [(&'static str, Attribute); 16] {
    let text = |what: &str| Attribute::string().computed().describe(what);
    [
        ("id", text("Id of the source server.")),
        ("hostname", text("Host name when the execution started.")),
        ("wave", text("Name of its wave.")),
        (
            "status",
            text("`WAITING`, `LAUNCHING`, and at the end `LAUNCHED`, `FAILED` or `NOT_LAUNCHED`."),
        ),
        (
            "reason",
            text("Why it failed, in the words of DRS where there are any; null otherwise."),
        ),
        (
            "job_id",
            text("DRS job that launched it; null before that."),
        ),
        (
            "instance_id",
            text("Recovery instance in DRS and EC2; null before that."),
        ),
        (
            "launched_at",
            text(
                "When DRS reported it as launched, in RFC 3339; null until then, and when it failed.",
            ),
        ),
        (
            "health",
            text(
                "What the checks of its wave found after it was launched: `HEALTHY`, `DEGRADED`, or `NOT_CHECKED`; null \
                 until then, and when there are none.",
            ),
        ),
        (
            "health_reason",
            text("Why it is degraded or was not checked; null otherwise."),
        ),
        (
            "health_at",
            text("When its health was known, in RFC 3339; null until then."),
        ),
        (
            "recovery_snapshot_id",
            text("Recovery point that it is to be launched from; null for its newest state."),
        ),
        (
            "launched_from",
            text(
                "What it was launched from, as far as DRS tells: `latest`, its newest state; `named`, the point that was \
                 asked for; `previous`, an earlier point, because DRS could take no snapshot. Null until then.",
            ),
        ),
        (
            "launched_from_at",
            text(
                "Time of the data that it was launched from, in RFC 3339; null when it is not known.",
            ),
        ),
        ("account_id", text("Account that it lives in.")),
        ("region", text("Region that it lives in.")),
    ]
}
