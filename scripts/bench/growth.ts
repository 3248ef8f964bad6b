export async function growth({ full }: { full: boolean }): Promise<void> {
  void full;
}
