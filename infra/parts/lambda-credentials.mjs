// The one place where a Lambda's credentials are: its environment. The SDK's usual chain also looks into files, asks other
// services and brings their clients along, a tenth of a bundle. bundle.ts puts this in the chain's place.
export { fromEnv as defaultProvider } from "@aws-sdk/credential-provider-env";
