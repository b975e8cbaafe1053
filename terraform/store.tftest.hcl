mock_provider "aws" {
  mock_resource "aws_s3_bucket" {
    defaults = { arn = "arn:aws:s3:::bulkrail-store" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/bulkrail" }
  }
}

variables {
  bucket = "bulkrail-store"
  clients = {
    alder = { public_keys = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExample0 alder"] }
    birch = { public_keys = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExample1 birch"] }
  }
}

run "each_client_has_its_own_home" {
  assert {
    condition = alltrue([
      for id, user in aws_transfer_user.client : endswith(one(user.home_directory_mappings).target, "/clients/${id}")
    ])
    error_message = "A client's home is not its own folder."
  }
  assert {
    condition     = !strcontains(aws_iam_role_policy.client["alder"].policy, "birch")
    error_message = "One client's policy names another's folder."
  }
  assert {
    condition     = aws_s3_bucket_versioning.store.versioning_configuration[0].status == "Enabled"
    error_message = "The store must keep versions."
  }
}

run "a_client_without_a_key_is_refused" {
  command = plan
  variables {
    clients = { alder = { public_keys = [] } }
  }
  expect_failures = [var.clients]
}

run "an_id_that_is_no_client_id_is_refused" {
  command = plan
  variables {
    clients = { "../birch" = { public_keys = ["ssh-ed25519 AAAA"] } }
  }
  expect_failures = [var.clients]
}
