/** What a request does in a repository, as far as tokens tell such things apart (distribution, token scope). */
export interface Scope {
  readonly repository: string;
  readonly actions: "pull" | "pull,push" | "pull,push,delete";
}

export function formatScope({ repository, actions }: Scope): string {
  return `repository:${repository}:${actions}`;
}
