// The task metadata endpoint of the ECS agent, version 4: what it says about one container, as the guide prints it.
// Source: ECS developer guide, "Task metadata endpoint version 4 examples for tasks on Amazon EC2".
import type { AwsRequest, AwsResponse } from "./wire.ts";

export const container = {
  DockerId: "ea32192c8553fbff06c9340478a2ff089b2bb5646fb718b4ee206641c9086d66",
  Name: "curl",
  DockerName: "ecs-curltest-24-curl-cca48e8dcadd97805600",
  Image: "111122223333.dkr.ecr.us-west-2.amazonaws.com/curltest:latest",
  ImageID: "sha256:d691691e9652791a60114e67b365688d20d19940dde7c4736ea30e660d8d3553",
  Labels: {
    "com.amazonaws.ecs.cluster": "default",
    "com.amazonaws.ecs.container-name": "curl",
    "com.amazonaws.ecs.task-arn": "arn:aws:ecs:us-west-2:111122223333:task/default/8f03e41243824aea923aca126495f665",
    "com.amazonaws.ecs.task-definition-family": "curltest",
    "com.amazonaws.ecs.task-definition-version": "24",
  },
  DesiredStatus: "RUNNING",
  KnownStatus: "RUNNING",
  Limits: { CPU: 10, Memory: 128 },
  CreatedAt: "2020-10-02T00:15:07.620912337Z",
  StartedAt: "2020-10-02T00:15:08.062559351Z",
  Type: "NORMAL",
  LogDriver: "awslogs",
  ContainerARN: "arn:aws:ecs:us-west-2:111122223333:container/0206b271-b33f-47ab-86c6-a0ba208a70a9",
  Networks: [{ NetworkMode: "awsvpc", IPv4Addresses: ["10.0.2.100"], AttachmentIndex: 0 }],
};

/** Answers for the containers that it knows, by the id in the path `/v4/<id>`. */
export const ecsAgent =
  (containers: Readonly<Record<string, object>>) =>
  ({ path }: Pick<AwsRequest, "path">): AwsResponse => {
    const known = containers[path.slice("/v4/".length)];
    const headers = { "content-type": "application/json" };
    return known === undefined
      ? { status: 404, headers, body: `"V4 container metadata handler: unable to get container ID"` }
      : { status: 200, headers, body: JSON.stringify(known) };
  };
