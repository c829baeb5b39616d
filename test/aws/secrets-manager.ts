// Secrets Manager: the current text of a secret by ARN.
// Source: Secrets Manager API reference, GetSecretValue. Versions and rotation are a new text.
import { AwsError, jsonService, type Service, textField } from "./wire.ts";

export interface SecretsManager {
  readonly service: Service;
  /** Returns the ARN. */
  put(name: string, text: string): string;
}

export function createSecretsManager(): SecretsManager {
  const secrets = new Map<string, string>();
  return {
    service: jsonService({
      GetSecretValue(input) {
        const arn = textField(input, "SecretId");
        const text = secrets.get(arn);
        if (text === undefined) {
          throw new AwsError("ResourceNotFoundException", 400, "Secrets Manager can't find the specified secret.");
        }
        return { ARN: arn, Name: arn.split(":").at(-1), SecretString: text, VersionStages: ["AWSCURRENT"] };
      },
    }),
    put(name, text) {
      const arn = `arn:aws:secretsmanager:us-east-1:123456789012:secret:${name}-AbCdEf`;
      secrets.set(arn, text);
      return arn;
    },
  };
}
