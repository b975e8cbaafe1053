output "store_url" {
  description = "BULKRAIL_STORE_URL."
  value       = "s3://${aws_s3_bucket.store.id}"
}

output "sftp_endpoint" {
  description = "Host that clients connect to."
  value       = aws_transfer_server.sftp.endpoint
}

output "gateway_policy_json" {
  description = "What the role of the Airflow workers may do with the bucket."
  value = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Effect = "Allow", Action = ["s3:ListBucket"], Resource = [aws_s3_bucket.store.arn] },
      {
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"]
        Resource = ["${aws_s3_bucket.store.arn}/*"]
      },
    ]
  })
}
