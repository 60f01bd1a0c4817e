import { make } from "./dom";

interface News {
  event: string;
  settled?: number;
  total?: number | null;
  counts?: Record<string, number>;
  where?: string;
  reason?: string;
  what?: string;
  [count: string]: unknown;
}

/** Follow an ingest as it goes on; when it is over the page is loaded again, with all that is to be said. */
export function followJob(place: HTMLElement): void {
  if (place.dataset.over === "yes") return;
  const stream = new EventSource(`/api/v1/jobs/${place.dataset.job}/events`);
  const bar = place.querySelector("progress");
  const settled = place.querySelector<HTMLElement>("[data-settled]");
  const list = place.querySelector("[data-refused]");
  const reasons: Record<string, string> = JSON.parse(place.dataset.reasons ?? "{}");
  const why = (said: string) => {
    const [code = "", ...rest] = said.split(":");
    return reasons[code] ? [reasons[code], ...rest].join(":") : said;
  };
  let refused = 0;
  const take = (message: MessageEvent<string>) => {
    const news: News = JSON.parse(message.data);
    if (news.event === "progress") {
      if (bar && news.total) bar.max = news.total;
      if (bar) bar.value = news.settled ?? 0;
      if (settled) settled.textContent = news.total ? `${news.settled} / ${news.total}` : String(news.settled ?? "");
      for (const one of place.querySelectorAll<HTMLElement>("[data-count]"))
        one.textContent = String(news.counts?.[one.dataset.count ?? ""] ?? 0);
    } else if (news.event === "rejected" || news.event === "warning") {
      if (!refused) list?.replaceChildren();
      refused += 1;
      list?.append(make("li", {}, make("bdi", {}, news.where ?? ""), " ", why(news.reason ?? news.what ?? "")));
    } else if (["done", "failed", "stopped"].includes(news.event)) {
      stream.close();
      location.reload();
    }
  };
  for (const name of ["progress", "rejected", "warning", "done", "failed", "stopped"])
    stream.addEventListener(name, take as EventListener);
}
