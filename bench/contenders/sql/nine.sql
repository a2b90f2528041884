-- The nine policies that ship. Each file is scanned once, into a table of what the policies read of it.
CREATE TEMP TABLE account AS
SELECT account, config.PublicAccessBlock AS block
FROM read_ndjson('SNAPSHOT/*/AWS-Account.jsonl', columns = {
  account: 'VARCHAR',
  config: 'STRUCT(PublicAccessBlock STRUCT(IgnorePublicAcls BOOLEAN, RestrictPublicBuckets BOOLEAN))'});

CREATE TEMP TABLE region AS
SELECT account, region
FROM read_ndjson('SNAPSHOT/*/AWS-Region.jsonl', columns = {
  account: 'VARCHAR', region: 'VARCHAR', config: 'STRUCT(OptInStatus VARCHAR)'})
WHERE config.OptInStatus != 'not-opted-in';

CREATE TEMP TABLE bucket AS
SELECT account, config.Name AS name, config.Logging.TargetBucket AS logged_to,
  config.PublicAccessBlock AS block,
  coalesce(config.PolicyStatus.IsPublic, false) AS public_by_policy,
  len(list_filter(config.Ownership.Rules, lambda rule: rule.ObjectOwnership = 'BucketOwnerEnforced')) > 0 AS enforced,
  len(list_filter(config.Acl.Grants, lambda held: held.Grantee.Type NOT IN ('CanonicalUser', 'AmazonCustomerByEmail')
    AND held.Grantee.URI IS DISTINCT FROM 'http://acs.amazonaws.com/groups/s3/LogDelivery')) > 0 AS public_by_acl
FROM read_ndjson('SNAPSHOT/*/AWS-S3-Bucket.jsonl', columns = {
  account: 'VARCHAR',
  config: 'STRUCT(
    Name VARCHAR,
    Logging STRUCT(TargetBucket VARCHAR),
    PublicAccessBlock STRUCT(IgnorePublicAcls BOOLEAN, RestrictPublicBuckets BOOLEAN),
    PolicyStatus STRUCT(IsPublic BOOLEAN),
    Ownership STRUCT(Rules STRUCT(ObjectOwnership VARCHAR)[]),
    Acl STRUCT(Grants STRUCT(Grantee STRUCT("Type" VARCHAR, URI VARCHAR))[]))'});

CREATE TEMP TABLE trail AS
SELECT account, region, id, config.S3BucketName AS bucket_name,
  string_split(config.TrailARN, ':')[5] = account AS own,
  config.S3BucketLocation IS NOT NULL AS bucket_exists,
  config.LogFileValidationEnabled AS signed,
  config.CloudWatchLogsLogGroupArn IS NOT NULL AS to_logs,
  config.KmsKeyId IS NOT NULL AS encrypted,
  config.IsMultiRegionTrail AND config.Status.IsLogging AND (
    (len(list_filter(config.Selectors.EventSelectors, lambda s: s.IncludeManagementEvents
       AND len(s.ExcludeManagementEventSources) = 0 AND s.ReadWriteType IN ('All', 'ReadOnly'))) > 0
     AND len(list_filter(config.Selectors.EventSelectors, lambda s: s.IncludeManagementEvents
       AND len(s.ExcludeManagementEventSources) = 0 AND s.ReadWriteType IN ('All', 'WriteOnly'))) > 0)
    OR coalesce(
     len(list_filter(config.Selectors.AdvancedEventSelectors, lambda s:
       len(list_filter(s.FieldSelectors, lambda f: f.Equals = ['Management'])) > 0
       AND len(list_filter(s.FieldSelectors, lambda f: NOT (f.Field = 'eventCategory'
         OR (f.Field = 'readOnly' AND coalesce(list_contains(f.Equals, 'true'), false))))) = 0)) > 0
     AND len(list_filter(config.Selectors.AdvancedEventSelectors, lambda s:
       len(list_filter(s.FieldSelectors, lambda f: f.Equals = ['Management'])) > 0
       AND len(list_filter(s.FieldSelectors, lambda f: NOT (f.Field = 'eventCategory'
         OR (f.Field = 'readOnly' AND coalesce(list_contains(f.Equals, 'false'), false))))) = 0)) > 0, false)
  ) AS everything
FROM read_ndjson('SNAPSHOT/*/AWS-CloudTrail-Trail.jsonl', columns = {
  account: 'VARCHAR', region: 'VARCHAR', id: 'VARCHAR',
  config: 'STRUCT(
    TrailARN VARCHAR, S3BucketName VARCHAR, S3BucketLocation JSON, LogFileValidationEnabled BOOLEAN,
    CloudWatchLogsLogGroupArn VARCHAR, KmsKeyId VARCHAR, IsMultiRegionTrail BOOLEAN, Status STRUCT(IsLogging BOOLEAN),
    Selectors STRUCT(
      EventSelectors STRUCT(ReadWriteType VARCHAR, IncludeManagementEvents BOOLEAN,
        ExcludeManagementEventSources VARCHAR[])[],
      AdvancedEventSelectors STRUCT(FieldSelectors STRUCT(Field VARCHAR, Equals VARCHAR[])[])[]))'});

CREATE TEMP TABLE recorder AS
SELECT account, region,
  bool_or(config.Status.recording) AS recording,
  bool_or(config.Status.recording AND lower(config.Status.lastStatus) IN ('success', 'pending', 'notapplicable'))
    AS delivering,
  bool_or(config.Status.recording AND config.recordingGroup.allSupported) AS all_types,
  bool_or(config.Status.recording AND len(config.DeliveryChannels) > 0) AS channel,
  bool_or(config.Status.recording AND config.recordingGroup.allSupported
    AND config.recordingGroup.includeGlobalResourceTypes) AS global_types
FROM read_ndjson('SNAPSHOT/*/AWS-Config-ConfigurationRecorder.jsonl', columns = {
  account: 'VARCHAR', region: 'VARCHAR',
  config: 'STRUCT(
    name VARCHAR, servicePrincipal VARCHAR, Status STRUCT(recording BOOLEAN, lastStatus VARCHAR),
    recordingGroup STRUCT(allSupported BOOLEAN, includeGlobalResourceTypes BOOLEAN),
    DeliveryChannels STRUCT(name VARCHAR)[])'})
WHERE config.servicePrincipal IS NULL AND NOT starts_with(config.name, 'AWSConfigurationRecorderFor')
GROUP BY account, region;

-- S3 and KMS would be joined here for accept_bucket_key, which is off.
COPY (
  WITH verdict AS (
    SELECT trail.*, bucket.logged_to IS NOT NULL AS logged,
      coalesce(bucket.block.IgnorePublicAcls, false) OR coalesce(owner.block.IgnorePublicAcls, false)
        OR coalesce(bucket.enforced, false) OR NOT bucket.public_by_acl AS acl_private,
      coalesce(bucket.block.RestrictPublicBuckets, false) OR coalesce(owner.block.RestrictPublicBuckets, false)
        OR NOT bucket.public_by_policy AS policy_private
    FROM trail
    LEFT JOIN bucket ON bucket.name = trail.bucket_name
    LEFT JOIN account AS owner ON owner.account = bucket.account
  ),
  finding AS (
    SELECT account, region, 'AWS::CloudTrail::Trail' AS type, id AS resource, own AS applies, unnest([
      {policy: 'cloudtrail-bucket-access-logging', passes: bucket_exists AND logged},
      {policy: 'cloudtrail-bucket-not-public', passes: bucket_exists AND acl_private AND policy_private},
      {policy: 'cloudtrail-cloudwatch-logs', passes: to_logs},
      {policy: 'cloudtrail-kms-encryption', passes: encrypted},
      {policy: 'cloudtrail-log-file-validation', passes: signed}], recursive := true)
    FROM verdict
    UNION ALL BY NAME
    SELECT 'cloudtrail-multi-region' AS policy, account.account AS account, 'global' AS region, 'AWS::Account' AS type,
      account.account AS resource, true AS applies, coalesce(bool_or(trail.everything), false) AS passes
    FROM account LEFT JOIN trail ON trail.account = account.account
    GROUP BY account.account
    UNION ALL BY NAME
    SELECT 'config-all-regions' AS policy, region.account AS account, 'global' AS region, 'AWS::Account' AS type,
      region.account AS resource, true AS applies,
      bool_and(coalesce(recording AND delivering AND all_types AND channel, false))
        AND coalesce(bool_or(global_types), false) AS passes
    FROM region LEFT JOIN recorder ON recorder.account = region.account AND recorder.region = region.region
    GROUP BY region.account
    UNION ALL BY NAME
    SELECT 'kms-key-rotation' AS policy, account, region, 'AWS::KMS::Key' AS type, id AS resource,
      config.Metadata.KeyManager = 'CUSTOMER' AND config.Metadata.KeySpec = 'SYMMETRIC_DEFAULT'
        AND config.Metadata.Origin = 'AWS_KMS' AND config.Metadata.KeyState = 'Enabled' AS applies,
      config.Rotation.KeyRotationEnabled AS passes
    FROM read_ndjson('SNAPSHOT/*/AWS-KMS-Key.jsonl', columns = {
      account: 'VARCHAR', region: 'VARCHAR', id: 'VARCHAR',
      config: 'STRUCT(
        Metadata STRUCT(KeyManager VARCHAR, KeySpec VARCHAR, Origin VARCHAR, KeyState VARCHAR),
        Rotation STRUCT(KeyRotationEnabled BOOLEAN))'})
    UNION ALL BY NAME
    SELECT 'vpc-flow-logs' AS policy, vpc.account AS account, vpc.region AS region, 'AWS::EC2::VPC' AS type,
      vpc.id AS resource, vpc.config.OwnerId = vpc.account AS applies, log.on_vpc IS NOT NULL AS passes
    FROM read_ndjson('SNAPSHOT/*/AWS-EC2-VPC.jsonl', columns = {
      account: 'VARCHAR', region: 'VARCHAR', id: 'VARCHAR', config: 'STRUCT(VpcId VARCHAR, OwnerId VARCHAR)'}) AS vpc
    LEFT JOIN (
      SELECT DISTINCT account, region, config.ResourceId AS on_vpc
      FROM read_ndjson('SNAPSHOT/*/AWS-EC2-FlowLog.jsonl', columns = {
        account: 'VARCHAR', region: 'VARCHAR',
        config: 'STRUCT(ResourceId VARCHAR, FlowLogStatus VARCHAR, TrafficType VARCHAR)'})
      WHERE config.FlowLogStatus = 'ACTIVE' AND config.TrafficType IN ('ALL', 'REJECT')
    ) AS log ON log.account = vpc.account AND log.region = vpc.region AND log.on_vpc = vpc.config.VpcId
  )
  SELECT policy, CASE WHEN NOT applies THEN 'not_applicable' WHEN passes THEN 'pass' ELSE 'fail' END AS status,
    account, region, type, resource/* REST */
  FROM finding
) TO 'OUT' (FORMAT json);
