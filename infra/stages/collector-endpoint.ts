// A switch: Firehose inside a VPC, for collectors on hosts that have no way to the internet.
// The endpoint lets through what a collector does and nothing else; routing and DNS of the VPC are its owner's.
import { Aws } from "aws-cdk-lib";
import { CfnSecurityGroup, CfnVPCEndpoint } from "aws-cdk-lib/aws-ec2";
import type { CfnDeliveryStream } from "aws-cdk-lib/aws-kinesisfirehose";
import { Construct } from "constructs";
import type { Options } from "../options.ts";

export interface CollectorEndpointProps {
  readonly endpoint: NonNullable<Options["collectorEndpoint"]>;
  readonly stream: CfnDeliveryStream;
}

const HTTPS = 443;

export class CollectorEndpoint extends Construct {
  constructor(scope: Construct, id: string, { endpoint, stream }: CollectorEndpointProps) {
    super(scope, id);
    const group = new CfnSecurityGroup(this, "Clients", {
      groupDescription: "Tidemark: collectors to the Firehose endpoint",
      vpcId: endpoint.vpcId,
      securityGroupIngress: endpoint.clientCidrs.map((cidrIp) => ({
        ipProtocol: "tcp",
        fromPort: HTTPS,
        toPort: HTTPS,
        cidrIp,
        description: "Collectors",
      })),
      // An endpoint answers and never calls; a rule to nowhere takes the place of the usual one to everywhere.
      securityGroupEgress: [
        { ipProtocol: "icmp", fromPort: 252, toPort: 86, cidrIp: "255.255.255.255/32", description: "None" },
      ],
    });
    new CfnVPCEndpoint(this, "Firehose", {
      vpcEndpointType: "Interface",
      serviceName: `com.amazonaws.${Aws.REGION}.kinesis-firehose`,
      vpcId: endpoint.vpcId,
      subnetIds: [...endpoint.subnetIds],
      securityGroupIds: [group.attrGroupId],
      privateDnsEnabled: true,
      policyDocument: {
        Version: "2012-10-17",
        Statement: [{ Effect: "Allow", Principal: "*", Action: "firehose:PutRecordBatch", Resource: stream.attrArn }],
      },
    });
  }
}
