# The role by which `stillframe collect` reads an account. policy.json is what `collect --print-iam-policy` prints.

terraform {
  required_version = ">= 1.3"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

variable "collector" {
  description = "The ARN of the role or user that collects"
  type        = string
}

variable "role_name" {
  description = "The name of the role, for --role"
  type        = string
  default     = "stillframe-reader"
}

variable "external_id" {
  description = "What --external-id says; null if it says none"
  type        = string
  default     = null
  sensitive   = true
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "AWS"
      identifiers = [var.collector]
    }

    dynamic "condition" {
      for_each = nonsensitive(var.external_id == null) ? [] : [1]

      content {
        test     = "StringEquals"
        variable = "sts:ExternalId"
        values   = [var.external_id]
      }
    }
  }
}

resource "aws_iam_role" "reader" {
  name               = var.role_name
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

locals {
  # A managed policy has room for 6,144 characters.
  parts = chunklist(jsondecode(file("${path.module}/policy.json")).Statement[0].Action, 120)
}

resource "aws_iam_policy" "least" {
  count = length(local.parts)
  name  = "${var.role_name}-least-${count.index + 1}"

  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Resource = "*", Action = local.parts[count.index] }]
  })
}

resource "aws_iam_role_policy_attachment" "least" {
  count      = length(local.parts)
  role       = aws_iam_role.reader.name
  policy_arn = aws_iam_policy.least[count.index].arn
}

output "role" {
  description = "The role to name with --role"
  value       = aws_iam_role.reader.arn
}
