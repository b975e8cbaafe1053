# The outside of bulkrail on AWS: the bucket that is its object store, and the SFTP front that clients meet.
# Airflow and PostgreSQL are the operator's own; they reach the bucket with the policy that `gateway_policy_json` gives.

resource "aws_s3_bucket" "store" {
  bucket = var.bucket
}

resource "aws_s3_bucket_versioning" "store" {
  bucket = aws_s3_bucket.store.id
  versioning_configuration {
    # A client's second upload under a name must be told from the first, and nothing is lost by an overwrite.
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "store" {
  bucket = aws_s3_bucket.store.id
  rule {
    bucket_key_enabled = true
    apply_server_side_encryption_by_default {
      sse_algorithm = "aws:kms"
    }
  }
}

resource "aws_s3_bucket_public_access_block" "store" {
  bucket                  = aws_s3_bucket.store.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_lifecycle_configuration" "store" {
  bucket = aws_s3_bucket.store.id
  rule {
    id     = "old-versions"
    status = "Enabled"
    filter {}
    noncurrent_version_expiration {
      noncurrent_days = var.archive_retention_days
    }
    abort_incomplete_multipart_upload {
      days_after_initiation = 2
    }
  }
}

resource "aws_transfer_server" "sftp" {
  identity_provider_type = "SERVICE_MANAGED"
  protocols              = ["SFTP"]
  domain                 = "S3"
  endpoint_type          = "PUBLIC"
  security_policy_name   = "TransferSecurityPolicy-2025-03"
  logging_role           = aws_iam_role.logging.arn
  tags                   = { Name = var.name }
}

# One role a client, and a home that the client sees as its root: no name of one client reaches another's folder.
resource "aws_iam_role" "client" {
  for_each           = var.clients
  name               = "${var.name}-client-${each.key}"
  assume_role_policy = local.transfer_may_assume
}

resource "aws_iam_role_policy" "client" {
  for_each = var.clients
  name     = "own-home"
  role     = aws_iam_role.client[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect    = "Allow"
        Action    = ["s3:ListBucket"]
        Resource  = [aws_s3_bucket.store.arn]
        Condition = { StringLike = { "s3:prefix" = ["clients/${each.key}/*", "clients/${each.key}"] } }
      },
      {
        Effect   = "Allow"
        Action   = ["s3:PutObject", "s3:GetObject", "s3:DeleteObject"]
        Resource = ["${aws_s3_bucket.store.arn}/clients/${each.key}/inbox/*"]
      },
      {
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:DeleteObject"]
        Resource = ["${aws_s3_bucket.store.arn}/clients/${each.key}/outbox/*"]
      },
    ]
  })
}

resource "aws_transfer_user" "client" {
  for_each            = var.clients
  server_id           = aws_transfer_server.sftp.id
  user_name           = each.key
  role                = aws_iam_role.client[each.key].arn
  home_directory_type = "LOGICAL"
  home_directory_mappings {
    entry  = "/"
    target = "/${aws_s3_bucket.store.id}/clients/${each.key}"
  }
}

resource "aws_transfer_ssh_key" "client" {
  for_each = merge([
    for id, client in var.clients : { for number, key in client.public_keys : "${id}-${number}" => { id = id, key = key } }
  ]...)
  server_id = aws_transfer_server.sftp.id
  user_name = aws_transfer_user.client[each.value.id].user_name
  body      = each.value.key
}

resource "aws_iam_role" "logging" {
  name               = "${var.name}-transfer-logging"
  assume_role_policy = local.transfer_may_assume
}

resource "aws_iam_role_policy_attachment" "logging" {
  role       = aws_iam_role.logging.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWSTransferLoggingAccess"
}

locals {
  transfer_may_assume = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "transfer.amazonaws.com" }
    }]
  })
}
