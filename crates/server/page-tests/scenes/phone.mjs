// A small screen, touched.

import { screenshot, visit } from "../browser.mjs";
import { STEPS, accessible, boxes, close, draw, noSidewaysScrolling, painted, slide, until } from "../user.mjs";

export async function phone() {
  const page = await visit({ viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true });
  await noSidewaysScrolling(page);
  await page.locator("#clear").tap();
  const cdp = await page.context().newCDPSession(page);
  /** Drags a finger over places on the canvas. */
  const swipe = async (first, ...others) => {
    const { x, y, width, height } = await page.locator("#stage").boundingBox();
    const send = (type, ...points) => cdp.send("Input.dispatchTouchEvent", {
      type, touchPoints: points.map(([a, b]) => ({ x: x + a * width, y: y + b * height })),
    });
    await send("touchStart", first);
    for (const point of others) await send("touchMove", point);
    await send("touchEnd");
  };
  const box = async () => (await boxes(page))[0].box;
  await swipe([0.2, 0.2], [0.4, 0.5], [0.8, 0.8]);
  close(await box(), [0.2, 0.2, 0.8, 0.8]);
  await swipe([0.5, 0.5], [0.52, 0.45], [0.55, 0.4]);
  close(await box(), [0.25, 0.1, 0.85, 0.7]);
  await swipe([0.85, 0.7], [0.8, 0.75], [0.75, 0.85]); // by its lower right corner
  close(await box(), [0.25, 0.1, 0.75, 0.85]);
  await page.locator("#objects input").fill("a red apple");
  await page.fill("#prompt", "a red apple on a yellow background");
  await slide(page, "steps", STEPS.shown);
  await draw(page);
  await noSidewaysScrolling(page);
  await accessible(page, "on a phone");
  await screenshot(page, "phone");

  await page.getByRole("button", { name: /^Repaint picture 1/ }).tap();
  await page.locator("#repaint-bar").waitFor();
  await page.getByText("Brush", { exact: true }).tap();
  await swipe([0.3, 0.3], [0.5, 0.5], [0.7, 0.3]);
  await until(async () => await painted(page) > 200);
  await noSidewaysScrolling(page);
  await accessible(page, "repainting on a phone");
  await page.context().close();
}
