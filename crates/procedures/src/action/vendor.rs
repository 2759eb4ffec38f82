//! Vendors.

use super::call::Permit;
use super::input::{Email, Id, Line, Phone, Vendor, VendorStatus, VendorType, Word, inputs};
use super::update::update;
use super::{Action, Effect, Result};
use records::catalogue::{Table, VENDORS};
use schemars::JsonSchema;
use serde::Serialize;

inputs! {
    /// Register an external service provider.
    pub struct CreateVendor {
        /// Unique name
        vendor_name: Line,
        /// Unique e-mail
        vendor_email: Email,
        /// Unique phone
        vendor_phone: Phone,
        vendor_type: Word<VendorType>,
        status: Word<VendorStatus>,
    }
}

/// What registering a vendor answers.
#[derive(Serialize, JsonSchema)]
pub struct Created {
    vendor_id: String,
    status: String,
}

impl Action for CreateVendor {
    const NAME: &'static str = "create_vendor";
    const RECORD: &'static Table = &VENDORS;
    const EFFECT: Effect = Effect::Create;
    type Answer = Created;

    fn run(self, permit: &Permit<'_>) -> Result<Created> {
        let status = self.status.as_str().to_owned();
        let vendor = permit.insert(
            &VENDORS,
            vec![
                ("vendor_name", self.vendor_name.into()),
                ("vendor_type", self.vendor_type.into()),
                ("contact_email", self.vendor_email.into()),
                ("contact_phone", self.vendor_phone.into()),
                ("status", self.status.into()),
                ("created_at", permit.now().into()),
            ],
        )?;
        Ok(Created { vendor_id: vendor.key().to_string(), status })
    }
}

update! {
    /// Change a vendor.
    pub struct UpdateVendor = "update_vendor" {
        vendor_id: Id<Vendor>,
        change_set: VendorChanges,
    }
    /// The columns of a vendor that can change.
    pub struct VendorChanges {
        vendor_name: Line,
        contact_email: Email,
        contact_phone: Phone,
        vendor_type: Word<VendorType>,
        status: Word<VendorStatus>,
    }
    /// The vendor as it is now.
    vendor
}
