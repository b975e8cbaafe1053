variable "name" {
  description = "Prefix of every name."
  type        = string
  default     = "bulkrail"
}

variable "bucket" {
  description = "Name of the bucket that holds the object store: clients' homes, archive, lake, reports."
  type        = string
}

variable "clients" {
  description = "Client id (as in clients/ID.yaml) and the public keys that may log in."
  type        = map(object({ public_keys = list(string) }))

  validation {
    condition     = alltrue([for id in keys(var.clients) : can(regex("^[a-z][a-z0-9_-]{1,30}$", id))])
    error_message = "A client id has small letters, digits, - and _, as in its profile."
  }
  validation {
    condition     = alltrue([for client in values(var.clients) : length(client.public_keys) > 0])
    error_message = "Every client needs a public key: passwords are not offered."
  }
}

variable "archive_retention_days" {
  description = "Days for which old versions of objects are kept."
  type        = number
  default     = 400
}
