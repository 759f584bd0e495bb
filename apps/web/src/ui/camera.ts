import type { Picture } from '../logic/picture.ts'
import { cameraProblem } from '../logic/wording.ts'
import { byId, setLine } from './dom.ts'
import { CAMERA_SIDE_PIXELS } from './limits.ts'

/** Takes a picture with the camera; the camera is on only between "Start" and the shot. */
export function createCamera(choose: (picture: Picture) => void): { off(): void } {
  const video = byId('camera-video', HTMLVideoElement)
  const start = byId('camera-start', HTMLButtonElement)
  const shoot = byId('camera-shoot', HTMLButtonElement)
  const problem = byId('camera-problem', HTMLElement)
  let stream: MediaStream | undefined
  let asking = 0

  function off() {
    asking++
    for (const track of stream?.getTracks() ?? []) track.stop()
    stream = undefined
    video.srcObject = null
    video.hidden = true
    shoot.hidden = true
    start.hidden = false
  }

  async function on() {
    const turn = ++asking
    setLine(problem, undefined)
    // Missing where the page is not secure (plain http on another machine).
    const devices: MediaDevices | undefined = navigator.mediaDevices
    if (devices === undefined) return setLine(problem, cameraProblem('InsecureContext'))
    try {
      const size = { ideal: CAMERA_SIDE_PIXELS }
      const video = { width: size, height: size, facingMode: 'environment' }
      const opened = await devices.getUserMedia({ video, audio: false })
      if (turn !== asking) {
        for (const track of opened.getTracks()) track.stop()
        return
      }
      await show(opened)
    } catch (error) {
      if (turn !== asking) return
      off()
      setLine(problem, cameraProblem(error instanceof Error ? error.name : ''))
    }
  }

  async function show(opened: MediaStream) {
    stream = opened
    video.srcObject = opened
    video.hidden = false
    start.hidden = true
    await video.play()
    shoot.hidden = false
    shoot.focus()
  }

  start.addEventListener('click', () => void on())
  shoot.addEventListener('click', () => {
    const { videoWidth: width, videoHeight: height } = video
    const context = new OffscreenCanvas(width, height).getContext('2d')
    if (context === null || width === 0) return
    context.drawImage(video, 0, 0)
    const pixels = context.getImageData(0, 0, width, height)
    off()
    start.focus()
    choose({ source: 'camera', name: 'Camera picture', pixels, trueClass: undefined })
  })
  return { off }
}
