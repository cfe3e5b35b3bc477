// Reports the cases of `node --test` as JSON, a line each: file, name and what is wrong.

/** @param {AsyncIterable<{type: string, data: any}>} source */
export default async function* report(source) {
  for await (const { type, data } of source) {
    if (type !== "test:pass" && type !== "test:fail") continue;
    const error = data.details.error;
    const wrong = type === "test:fail" ? String(error?.cause?.stack ?? error?.message ?? error) : "";
    yield `${JSON.stringify({ file: data.file ?? "", name: data.name, wrong })}\n`;
  }
}
