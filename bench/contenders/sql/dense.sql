-- The twenty policies of the dense workload, in one scan: twenty truths of an instance, then a row for each.
COPY (
  WITH finding AS (
    SELECT account, region, id AS resource, unnest([
      {policy: 'ec2-cost-centre', applies: true,
        passes: len(list_filter(c.Tags, lambda tag: tag.Key = 'cost-centre')) = 1},
      {policy: 'ec2-ebs-optimized', applies: NOT starts_with(c.InstanceType, 't2.'), passes: c.EbsOptimized},
      {policy: 'ec2-family', applies: true,
        passes: split_part(c.InstanceType, '.', 1) IN ('c6i', 'm6i', 'm7g', 'r6i', 't3')},
      {policy: 'ec2-few-groups', applies: true, passes: coalesce(len(c.SecurityGroups), 0) <= 3},
      {policy: 'ec2-hop-limit', applies: c.MetadataOptions.HttpEndpoint = 'enabled',
        passes: c.MetadataOptions.HttpPutResponseHopLimit <= 2},
      {policy: 'ec2-image-allowed', applies: true,
        passes: c.ImageId NOT IN ('ami-0123456789abcdef0', 'ami-0fedcba9876543210')},
      {policy: 'ec2-imdsv2', applies: c.State.Name = 'running',
        passes: c.MetadataOptions.HttpEndpoint = 'disabled' OR c.MetadataOptions.HttpTokens = 'required'},
      {policy: 'ec2-interfaces-checked', applies: true, passes: c.SourceDestCheck
        AND coalesce(len(list_filter(c.NetworkInterfaces, lambda held: NOT held.SourceDestCheck)), 0) = 0},
      {policy: 'ec2-interfaces-private', applies: true, passes:
        coalesce(len(list_filter(c.NetworkInterfaces, lambda held: held.Association.PublicIp IS NOT NULL)), 0) = 0},
      {policy: 'ec2-launched-lately', applies: true, passes: c.LaunchTime >= TIMESTAMP 'TIME' - INTERVAL 2900 DAY},
      {policy: 'ec2-monitored', applies: coalesce(tags.environment = 'production', false),
        passes: c.Monitoring.State = 'enabled'},
      {policy: 'ec2-name', applies: true, passes: regexp_matches(name, '^[a-z]+-[0-9]+$')},
      {policy: 'ec2-no-default-group', applies: true,
        passes: coalesce(len(list_filter(c.SecurityGroups, lambda held: held.GroupName = 'default')), 0) = 0},
      {policy: 'ec2-no-public-address', applies: true, passes: c.PublicIpAddress IS NULL},
      {policy: 'ec2-profile', applies: true, passes: c.IamInstanceProfile.Arn IS NOT NULL},
      {policy: 'ec2-profile-of-own-account', applies: c.IamInstanceProfile IS NOT NULL,
        passes: split_part(c.IamInstanceProfile.Arn, ':', 5) = account},
      {policy: 'ec2-recovered', applies: c.State.Name = 'running' AND c.Placement.Tenancy = 'default',
        passes: c.MaintenanceOptions.AutoRecovery IS DISTINCT FROM 'disabled'},
      {policy: 'ec2-root-on-ebs', applies: true, passes: c.RootDeviceType = 'ebs'
        AND len(list_filter(c.BlockDeviceMappings, lambda held: held.DeviceName = c.RootDeviceName)) > 0},
      {policy: 'ec2-tagged', applies: true, passes: tags.owner IS NOT NULL AND tags.environment IS NOT NULL},
      {policy: 'ec2-volumes-go', applies: true, passes:
        coalesce(len(list_filter(c.BlockDeviceMappings, lambda held: NOT held.Ebs.DeleteOnTermination)), 0) = 0}
    ], recursive := true)
    FROM (
      SELECT account, region, id, name, tags, config AS c
      FROM read_ndjson('SNAPSHOT/*/AWS-EC2-Instance.jsonl', columns = {
        account: 'VARCHAR', region: 'VARCHAR', id: 'VARCHAR', name: 'VARCHAR',
        tags: 'STRUCT(owner VARCHAR, environment VARCHAR)',
        config: 'STRUCT(
          BlockDeviceMappings STRUCT(DeviceName VARCHAR, Ebs STRUCT(DeleteOnTermination BOOLEAN))[],
          EbsOptimized BOOLEAN, IamInstanceProfile STRUCT(Arn VARCHAR), ImageId VARCHAR, InstanceType VARCHAR,
          LaunchTime TIMESTAMP, MaintenanceOptions STRUCT(AutoRecovery VARCHAR),
          MetadataOptions STRUCT(HttpEndpoint VARCHAR, HttpTokens VARCHAR, HttpPutResponseHopLimit INTEGER),
          Monitoring STRUCT("State" VARCHAR),
          NetworkInterfaces STRUCT(SourceDestCheck BOOLEAN, Association STRUCT(PublicIp VARCHAR))[],
          Placement STRUCT(Tenancy VARCHAR), PublicIpAddress VARCHAR, RootDeviceName VARCHAR, RootDeviceType VARCHAR,
          SecurityGroups STRUCT(GroupName VARCHAR)[], SourceDestCheck BOOLEAN, "State" STRUCT("Name" VARCHAR),
          Tags STRUCT("Key" VARCHAR)[])'})
    )
  )
  SELECT policy, CASE WHEN NOT applies THEN 'not_applicable' WHEN passes THEN 'pass' ELSE 'fail' END AS status,
    account, region, 'AWS::EC2::Instance' AS type, resource/* REST */
  FROM finding
) TO 'OUT' (FORMAT json);
