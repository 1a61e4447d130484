// Puts JSON objects together from the JSON texts of their members, so that what came as text stays as it was.

/** JSON text of an object with these members in this order; those without a value are left out. */
export function objectText(members: Readonly<Record<string, string | undefined>>): string {
  const texts = Object.entries(members).flatMap(([key, value]) =>
    value === undefined ? [] : [`${JSON.stringify(key)}:${value}`],
  );
  return `{${texts.join(',')}}`;
}
