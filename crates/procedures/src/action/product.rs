//! Products.

use super::call::Permit;
use super::input::{Id, Line, Product, ProductStatus, ProductType, Vendor, Word, inputs};
use super::update::update;
use super::{Action, Effect, Result};
use records::catalogue::{PRODUCTS, Table};
use schemars::JsonSchema;
use serde::Serialize;

inputs! {
    /// Add a product that clients can subscribe to.
    pub struct CreateProduct {
        product_name: Line,
        product_type: Word<ProductType>,
        version: Option<Line>,
        support_vendor_id: Option<Id<Vendor>>,
        status: Word<ProductStatus>,
    }
}

/// What adding a product answers.
#[derive(Serialize, JsonSchema)]
pub struct Created {
    product_id: String,
    status: String,
}

impl Action for CreateProduct {
    const NAME: &'static str = "create_product";
    const RECORD: &'static Table = &PRODUCTS;
    const EFFECT: Effect = Effect::Create;
    type Answer = Created;

    fn run(self, permit: &Permit<'_>) -> Result<Created> {
        let now = permit.now();
        let status = self.status.as_str().to_owned();
        let product = permit.insert(
            &PRODUCTS,
            vec![
                ("product_name", self.product_name.into()),
                ("product_type", self.product_type.into()),
                ("version", self.version.into()),
                ("support_vendor_id", self.support_vendor_id.into()),
                ("status", self.status.into()),
                ("created_at", now.into()),
                ("updated_at", now.into()),
            ],
        )?;
        Ok(Created { product_id: product.key().to_string(), status })
    }
}

update! {
    /// Change a product.
    pub struct UpdateProduct = "update_product" {
        product_id: Id<Product>,
        change_set: ProductChanges,
    }
    /// The columns of a product that can change.
    pub struct ProductChanges {
        product_name: Line,
        product_type: Word<ProductType>,
        version: Line,
        support_vendor_id: Id<Vendor>,
        status: Word<ProductStatus>,
    }
    /// The product as it is now.
    product
}
