//! What belongs to a plan as a whole beside its waves: its drill guard, and who is told what happens.

use std::time::Duration;

use drs_engine::limits;
use drs_engine::plan::NoticeKind;
use tfplugin::{Attribute, Type, duration};

/// An objective of a plan, as a duration.
pub(super) fn objective(what: &str) -> Attribute {
    let longest = limits::LONGEST_OBJECTIVE.unsigned_abs();
    Attribute::string()
        .optional()
        .validate(duration::between(Duration::from_secs(1), longest))
        .describe(what)
}

pub(super) fn drill_guard() -> Attribute {
    Attribute::single_nested([(
        "subnet_tags",
        Attribute::map(Type::String).required().describe(
            "Tags that the subnet of every server must carry, exactly; upper and lower case matter. At least one, and at \
             most 50.",
        ),
    )])
    .optional()
    .describe(
        "Keeps drills out of networks that are not for them: a drill is refused unless every server would boot in a subnet \
         with these tags, and launches nothing more when that changes while it runs. A recovery does not ask it. A change \
         changes `digest`. Default: none; a drill boots wherever the launch templates say.",
    )
}

pub(super) fn notifications() -> Attribute {
    let words = NoticeKind::ALL.map(|kind| format!("`{}`", kind.as_str()));
    Attribute::single_nested([
        (
            "topic_arns",
            Attribute::list(Type::String).required().describe(format!(
                "ARNs of the SNS topics that are told; at least one, and at most {}.",
                limits::TOPICS_PER_PLAN
            )),
        ),
        (
            "events",
            Attribute::list(Type::String).optional().describe(format!(
                "What they are told of: {}. `PAUSED` comes with the commands that resume and cancel the execution, and \
                 `DEGRADED` when servers of a wave are launched and not healthy. Default: everything.",
                words.join(", ")
            )),
        ),
    ])
    .optional()
    .describe(
        "Who is told what executions of this plan do. A notification that cannot be sent is recorded and never stops a \
         run. It is frozen when an execution starts, and changes no `digest`. Default: nobody.",
    )
}
