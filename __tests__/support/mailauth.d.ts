/** What the tests use of mailauth, which has no types. */
declare module 'mailauth/lib/dkim/verify' {
  export function dkimVerify(
    message: string,
    options: { resolver: (name: string, type: string) => Promise<string[][]> },
  ): Promise<{
    results: { signingDomain: string; status: { result: string; comment?: string } }[];
  }>;
}
