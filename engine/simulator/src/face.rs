//! The services, one file each: what a request means, and how its answer is written.

pub(crate) mod drs;
pub(crate) mod dynamodb;
pub(crate) mod ec2;
mod form;
mod json;
pub(crate) mod lambda;
pub(crate) mod quotas;
pub(crate) mod sns;
pub(crate) mod ssm;
pub(crate) mod states;
pub(crate) mod sts;
