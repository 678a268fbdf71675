/** What the demo runs on: told in English where it starts, and at the foot of its pages in their language. */
export type Use =
  | { readonly kind: 'redis'; readonly host: string }
  | { readonly kind: 'own_redis'; readonly version: string; readonly port: number | undefined }
  | { readonly kind: 'code_memory' }
  | { readonly kind: 'smtp'; readonly name: string }
  | { readonly kind: 'inbox' }
  | { readonly kind: 'account_memory' }
  | { readonly kind: 'account_file'; readonly file: string };
